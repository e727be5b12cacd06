"""`up` can be stopped at any moment: the next one goes on from there."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from deployment.configuration.layout import ROOT
from kit.local import LocalStack, deploy, running

LONGEST_SECONDS = 45.0
# Both pages have something to do, sometimes Redis, too; sometimes the queue changes its connections.
SETTINGS = (
    {"VOTE_TITLE": "One"},
    {"VOTE_TITLE": "Two", "REDIS_MAXMEMORY": "254mb"},
    {"REDIS_TLS": "yes"},
    {"REDIS_TLS": "no"},
)
SIGNALS = (signal.SIGKILL, signal.SIGINT)


@pytest.fixture(scope="module")
def local() -> Iterator[LocalStack]:
    """The stack that is up here; afterwards it is what it was before."""
    found = running()
    yield found
    assert deploy(REDIS_TLS="no").returncode == 0


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Interrupt once in CI, and ten times with `--all-faults`."""
    if "turn" in metafunc.fixturenames:
        metafunc.parametrize("turn", range(10 if metafunc.config.getoption("all_faults") else 1))


def test_up_goes_on_after_an_interruption(local: LocalStack, turn: int) -> None:
    settings, stop = SETTINGS[turn % len(SETTINGS)], SIGNALS[turn // len(SETTINGS) % 2]
    seconds = random.uniform(0, LONGEST_SECONDS)
    print(f"{stop.name} after {seconds:.1f} s")
    command = [sys.executable, str(ROOT / "deploy.py"), "up", "--yes", "--quiet"]
    with subprocess.Popen(command, env={**os.environ, **settings}, stdin=subprocess.DEVNULL) as process:
        time.sleep(seconds)  # the moment is the case
        process.send_signal(stop)
        process.wait()
    again = deploy(**settings)
    assert again.returncode == 0, again.stderr
    now = local.status()
    assert now["healthy"], now["missing"]
    assert now["lock"] is None
