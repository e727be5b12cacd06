"""`deploy.py test`, `lab` and `bench`: hand over to the project's tests, to their lab and to the bench."""

import os
import subprocess
import sys

from deployment.configuration.layout import ROOT

FAULTS = "tests/swarm/faults"
# Every file of these has or starts what it needs, so several of them can run at once. Those with servers
# mostly wait, and the longest come first.
NO_SERVERS = ["tests/unit", "--numprocesses", "2", "--dist", "loadfile"]
THREE_FILES = ["--numprocesses", "3", "--dist", "loadfile", "--no-loadscope-reorder"]
OWN_SERVERS = ["tests/unit", "tests/integration", *THREE_FILES]
# These share the one stack that is up.
ONE_STACK = ["tests/browser", "tests/swarm"]


def runs(*, fast: bool, faults: bool, soak: str, chosen: list[str]) -> list[list[str]]:
    """Return what pytest is told, run by run.

    `fast` leaves out all that needs an engine; `faults` and `soak`, a duration or `all`, need a lab, and a
    machine that has nothing else to do: they allow no more time than the promised limits.
    """
    if soak:
        return [[FAULTS, "--slack", "1", "--soak", soak, *chosen]]
    if faults:
        return [[FAULTS, "--slack", "1", "--all-faults", *chosen]]
    if chosen:
        return [chosen]
    return [NO_SERVERS] if fast else [OWN_SERVERS, ONE_STACK]


def run(told: list[list[str]]) -> int:
    """Run pytest until a run fails, so that its failures are what is read last; return the exit code."""
    return next(filter(None, map(_pytest, told)), 0)


def _pytest(told: list[str]) -> int:
    command = [sys.executable, "-m", "pytest", *told]
    return subprocess.run(command, cwd=ROOT, env=os.environ, check=False).returncode


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
