"""Pgpool in front of the one primary that a majority of the nodes names, and of nothing else."""
