"""A child process ends when it is asked to, or when its time is over."""

import signal
import subprocess
import sys

import pytest

from postgres_ha import child

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
WILLING = "import time; print(flush=True); time.sleep(60)"


@pytest.mark.parametrize(
    ("program", "seconds", "ended_by"), [(WILLING, 30.0, signal.SIGTERM), (DEAF, 0.1, signal.SIGKILL)]
)
def test_a_process_ends(program: str, seconds: float, ended_by: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        child.end(process, seconds)
        assert process.returncode == -ended_by
