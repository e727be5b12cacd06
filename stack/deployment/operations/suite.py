"""`deploy.py test`, `lab` and `bench`: hand over to the project's tests, to their lab and to the bench."""

import os
import subprocess
import sys

from deployment.configuration.layout import ROOT

FAULTS = "tests/swarm/faults"


def arguments(*, fast: bool, faults: bool, soak: str, chosen: list[str]) -> list[str]:
    """Return what pytest is told.

    `fast` leaves out all that needs an engine; `faults` and `soak`, a duration or `all`, need a lab, and a
    machine that has nothing else to do: they allow no more time than the promised limits.
    """
    if soak:
        return [FAULTS, "--slack", "1", "--soak", soak, *chosen]
    if faults:
        return [FAULTS, "--slack", "1", "--all-faults", *chosen]
    usual = ["tests/unit"] if fast else ["tests/unit", "tests/browser", "tests/integration", "tests/swarm"]
    return chosen or usual


def run(told: list[str]) -> int:
    """Run pytest and return its exit code."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", *told], cwd=ROOT, env=os.environ, check=False
    ).returncode


def lab(told: list[str]) -> int:
    """Run the lab's own command line and return its exit code."""
    return _module("swarm.lab", told)


def bench(told: list[str]) -> int:
    """Run the bench's own command line and return its exit code."""
    return _module("bench", told)


def _module(name: str, told: list[str]) -> int:
    folders = ("stack", "tests", "vote", "worker", "result")
    path = os.pathsep.join(str(ROOT / folder) for folder in folders)
    command = [sys.executable, "-m", name, *told]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, check=False).returncode
