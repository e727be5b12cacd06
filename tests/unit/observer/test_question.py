from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from observer import __main__ as program
from observer import question
from observer.question import Question


def test_an_answer_is_there_without_waiting() -> None:
    asked = Question("test", lambda: 7)
    asked.wait(5)
    assert asked.answer() == 7
    assert asked.alive


def test_a_failure_is_no_answer() -> None:
    def fail() -> None:
        raise ConnectionRefusedError

    asked = Question("test", fail)
    asked.wait(5)
    assert asked.answer() is None
    assert asked.alive


def test_who_falls_silent_has_no_answer_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(question, "LATE_SECONDS", 0.1)
    silence = threading.Event()
    answers = iter([7])

    def ask() -> int:
        for answer in answers:
            return answer
        silence.wait()
        raise TimeoutError

    asked = Question("test", ask, every=0.01)
    asked.wait(5)
    time.sleep(0.2)
    began = time.monotonic()
    assert asked.answer() is None
    assert time.monotonic() - began < 0.05
    silence.set()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_error_of_the_program_ends_it() -> None:
    nothing: dict[str, int] = {}
    asked = Question("test", lambda: nothing["missing"])
    for _ in range(100):
        if not asked.alive:
            return
        time.sleep(0.05)
    pytest.fail("it goes on")


def test_the_picture_is_replaced_whole(tmp_path: Path) -> None:
    for at in (1, 2):
        program.write({"at": at}, tmp_path / "status.json")
    assert json.loads((tmp_path / "status.json").read_text()) == {"at": 2}
    assert [path.name for path in tmp_path.iterdir()] == ["status.json"]
