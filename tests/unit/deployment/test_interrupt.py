"""Who loses the terminal, or is killed, gives back what it holds."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deployment.configuration.layout import ROOT
from kit.waiting import wait_until

# Speaks to its terminal before, and afterwards.
VERB = """
import pathlib, signal, sys, time
from deployment import interrupt
interrupt.listen()
told = pathlib.Path(sys.argv[1])
try:
    told.write_text("at work")
    time.sleep(60)
finally:
    print("what was left", flush=True)
    print("and why", file=sys.stderr, flush=True)
    told.write_text("given back")
"""


class Terminal:
    """A verb that runs on a terminal of its own."""

    def __init__(self, told: Path, *before: str) -> None:
        self.ours, theirs = pty.openpty()
        command = ("setsid", "--ctty", *before, sys.executable, "-c", VERB, str(told))
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "stack")}
        self.process = subprocess.Popen(
            command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs,
            cwd=told.parent,  # there `nohup` writes what no terminal shows
        )  # fmt: skip
        os.close(theirs)
        wait_until(lambda: told.exists() and told.read_text() == "at work")

    def lose(self) -> None:
        os.close(self.ours)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGTERM)


@pytest.mark.parametrize("end", [Terminal.lose, Terminal.kill])
def test_what_a_verb_holds_is_given_back(tmp_path: Path, end: Callable[[Terminal], None]) -> None:
    told = tmp_path / "told"
    terminal = Terminal(told)
    end(terminal)
    terminal.process.wait(20)
    assert told.read_text() == "given back"


def test_nohup_goes_on(tmp_path: Path) -> None:
    told = tmp_path / "told"
    terminal = Terminal(told, "nohup")
    terminal.lose()
    with pytest.raises(subprocess.TimeoutExpired):
        terminal.process.wait(1)
    terminal.kill()
    terminal.process.wait(20)
