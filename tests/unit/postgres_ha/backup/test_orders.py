import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from postgres_ha.backup import notes, orders


def say(folder: Path, **status: Any) -> None:
    notes.write(folder, orders.STATUS, status)


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Path]:
    """Stand in for a runner that makes each backup at once, and fails with one that is full."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(0.02):
            if order := orders.take(tmp_path):
                failed = order["type"] == "full"
                ended = {"label": None if failed else "L", "error": "no room" if failed else ""}
                say(tmp_path, running=None, last={"id": order["id"], "type": order["type"], **ended})

    say(tmp_path, running=None, last={})
    thread = threading.Thread(target=run)
    thread.start()
    yield tmp_path
    over.set()
    thread.join()


def test_what_is_asked_for_is_made_and_named(runner: Path) -> None:
    assert list(orders.backup(runner, "diff"))[-1] == {"label": "L", "type": "diff"}
    assert not (runner / orders.ORDER).exists()


def test_a_backup_that_fails_says_why(runner: Path) -> None:
    with pytest.raises(orders.OrderError, match="no room"):
        list(orders.backup(runner, "full"))


def test_one_that_is_being_made_already_is_waited_for(tmp_path: Path) -> None:
    say(tmp_path, running={"id": "7", "percent": 40.0}, last={})
    steps = orders.backup(tmp_path, "diff")
    assert next(steps) == {"running": True, "percent": 40.0}
    say(tmp_path, running=None, last={"id": "7", "type": "full", "label": "F", "error": ""})
    assert list(steps) == [{"label": "F", "type": "full"}]
    assert not (tmp_path / orders.ORDER).exists()


def test_without_a_runner_nobody_waits(tmp_path: Path) -> None:
    with pytest.raises(orders.OrderError, match="no runner"):
        list(orders.backup(tmp_path, "diff"))


def test_a_runner_that_is_silent_is_named(tmp_path: Path) -> None:
    say(tmp_path, running=None, last={})
    os.utime(tmp_path / orders.STATUS, (time.time() - 60,) * 2)
    with pytest.raises(orders.OrderError, match="has said nothing for"):
        list(orders.backup(tmp_path, "diff"))


@pytest.mark.parametrize(("problem", "why"), [("no such bucket", "no such bucket"), ("", "not ready")])
def test_an_order_that_is_not_taken_ends_with_the_reason_and_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: str, why: str
) -> None:
    say(tmp_path, running=None, last={}, problem=problem)
    monkeypatch.setattr(orders, "ACCEPTED_SECONDS", 0.0)
    monkeypatch.setattr(orders, "LOOK_SECONDS", 0.01)
    with pytest.raises(orders.OrderError, match=f"no backup was begun: .*{why}"):
        list(orders.backup(tmp_path, "full"))
    assert not (tmp_path / orders.ORDER).exists()


def test_a_second_order_waits_for_the_first(tmp_path: Path) -> None:
    say(tmp_path, running=None, last={})
    assert next(orders.backup(tmp_path, "full")) == {"running": False, "percent": None}
    second = orders.backup(tmp_path, "diff")
    next(second)
    order = orders.take(tmp_path)
    assert order
    assert order["type"] == "full"
    say(tmp_path, running=None, last={"id": order["id"], "type": "full", "label": "F", "error": ""})
    assert list(second) == [{"label": "F", "type": "full"}]


def test_a_damaged_note_is_none(tmp_path: Path) -> None:
    (tmp_path / "drill.json").write_text("{")
    assert notes.read(tmp_path, "drill.json") == {}
