"""`deploy.py test`: run the project's tests; what needs an engine runs against the stack that is up."""

import os
import subprocess
import sys

from deployment.layout import ROOT


def run(*, fast: bool, chosen: list[str]) -> int:
    """Run the suite and return its exit code; `fast` leaves out all that needs an engine."""
    suites = ["tests/unit"] if fast else ["tests/unit", "tests/integration", "tests/swarm"]
    command = [sys.executable, "-m", "pytest", *(chosen or suites)]
    return subprocess.run(command, cwd=ROOT, env=os.environ, check=False).returncode
