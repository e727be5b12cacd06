from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from redis.exceptions import AuthenticationError, NoPermissionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from observer import __main__ as program
from observer import question
from observer.question import Question
from worker.access import Access


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
    monkeypatch.setattr(question, "FRESH_SECONDS", 0.1)
    monkeypatch.setattr(question, "EVERY_SECONDS", 0.01)
    silence = threading.Event()
    answers = iter([7])

    def ask() -> int:
        for answer in answers:
            return answer
        silence.wait()
        raise TimeoutError

    asked = Question("test", ask)
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


OWN = Access("redis", 6379, "observer", "", None, "pgpool", 5432, "votes", "observer", "")
FORMER = replace(OWN, redis_username="worker", database_user="worker")


@pytest.mark.parametrize(
    ("failure", "asked"),
    [
        (None, [OWN]),
        (AuthenticationError("WRONGPASS"), [OWN, FORMER]),
        (NoPermissionError("NOPERM"), [OWN, FORMER]),
        (psycopg.OperationalError('role "observer" does not exist'), [OWN, FORMER]),
        (RedisTimeoutError("silent"), [OWN]),
        (psycopg.errors.UndefinedTable("tally"), [OWN]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_former_account_is_tried_where_the_own_one_is_refused(
    failure: Exception | None, asked: list[Access]
) -> None:
    tried = []

    def do(account: Access) -> str:
        tried.append(account)
        if failure and account is OWN:
            raise failure
        return "answer"

    with suppress(RedisTimeoutError, psycopg.errors.UndefinedTable):
        assert question.as_either((OWN, FORMER), do) == "answer"
    assert tried == asked
