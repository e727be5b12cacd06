"""A command starts anew when its source changes, and ends with who runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deployment.configuration.layout import ROOT
from kit.waiting import wait_until
from local.reload import changed, times

# It says what its source says, and begins another process that does not end when it is asked to.
COMMAND = """
import pathlib, subprocess, sys
print(pathlib.Path("source/page.html").read_text(), flush=True)
if "deaf" in sys.argv:
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(99)"
    subprocess.run([sys.executable, "-c", deaf])
"""

# Every command has run for long enough.
KILLED = """
from local import reload
reload.START_SECONDS = 0.0
reload.run([], ["sh", "-c", "kill -9 $$"])
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "templates").mkdir(parents=True)
    (folder / "page.html").write_text("first")
    return folder


class Running:
    """A command that starts anew, and what it said."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._output = folder / "output"
        command = ("-m", "local.reload", "source", "--", sys.executable, "-c", COMMAND, *arguments)
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "stack")},
            stdout=self._output.open("w"),
            stderr=subprocess.STDOUT,
        )

    def wait_said(self, text: str) -> None:
        """Return once the command has said it."""
        wait_until(lambda: text in self._output.read_text(), describe=self._output.read_text)

    def children(self) -> list[psutil.Process]:
        """Return all that it started."""
        return psutil.Process(self.process.pid).children(recursive=True)


def lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def start(tmp_path: Path, source: Path) -> Iterator[list[Running]]:
    started: list[Running] = []
    yield started
    for one in started:
        one.process.kill()
        one.process.wait()


@pytest.mark.parametrize(
    ("name", "noticed"),
    [
        ("views.py", True),
        ("templates/vote.html", True),
        ("page.css", True),
        ("words.toml", True),
        (".page.css.swp", False),
        ("page.css~", False),
        ("4913", False),
        ("views.cpython-313.pyc", False),
    ],
)
def test_what_an_editor_leaves_beside_the_source_is_no_change(
    source: Path, name: str, *, noticed: bool
) -> None:
    before = times([source])
    (source / name).write_text("x")
    added = times([source])
    assert changed(before, added) == ([source / name] if noticed else [])
    (source / name).write_text("longer")
    os.utime(source / name, ns=(1, 1))
    assert changed(added, times([source])) == ([source / name] if noticed else [])
    (source / name).unlink()
    assert changed(before, times([source])) == []


def test_a_command_that_ended_starts_anew_when_its_source_changes(
    tmp_path: Path, source: Path, start: list[Running]
) -> None:
    start.append(running := Running(tmp_path))
    running.wait_said("first")
    running.wait_said("ended with 0; it starts anew when a file changes")
    (source / "page.html").write_text("second")
    running.wait_said("source/page.html: changed")
    running.wait_said("second")


def test_a_command_that_ran_and_ended_takes_its_container_with_it_which_docker_starts_again() -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "stack")},
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "sh ended with -9" in done.stderr


def test_whatever_a_command_began_is_gone_when_it_starts_anew_or_ends(
    tmp_path: Path, source: Path, start: list[Running]
) -> None:
    start.append(running := Running(tmp_path, "deaf"))
    running.wait_said("deaf")
    former = running.children()
    (source / "page.html").write_text("second")
    running.wait_said("second")
    wait_until(lambda: not any(map(lives, former)))
    wait_until(lambda: len(running.children()) == 2)
    latter = running.children()
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(10) == 0
    wait_until(lambda: not any(map(lives, latter)))
