"""The program behind `deploy.py`: plan, build, deploy, watch and inspect the stack."""
