"""Setting the intake counts once the primary and a replica have it."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from observer import intake, settings


class Primary:
    """A Redis with so many replicas in step, and three entries in its queue."""

    def __init__(self, replicas: int) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self._replicas = replicas

    def set(self, key: str, state: str, *, ex: int | None) -> None:
        self.asked.append(("set", key, state, ex))

    def wait(self, *_: int) -> int:
        self.asked.append(("wait",))
        return self._replicas

    def xlen(self, key: str) -> int:
        self.asked.append(("xlen", key))
        return 3


def run(primary: Primary, words: list[str], patch: pytest.MonkeyPatch) -> None:
    patch.setattr("sys.argv", ["observer.intake", *words])
    patch.setattr(intake, "connect_queue", lambda access, _: primary if access is OWN else None)
    patch.setattr(settings, "load", lambda: SimpleNamespace(access=OWN))
    intake.main()


OWN = SimpleNamespace(redis_host="redis-proxy")


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["draining", "180"], [("set", "votes:intake", "draining", 180), ("wait",), ("xlen", "votes")]),
        (["open"], [("set", "votes:intake", "open", None), ("wait",), ("xlen", "votes")]),
        ([], [("xlen", "votes")]),
    ],
)
def test_what_waits_is_counted_after_the_intake_was_set(
    words: list[str],
    asked: list[tuple[Any, ...]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    primary = Primary(replicas=2)
    run(primary, words, monkeypatch)
    assert primary.asked == asked
    assert json.loads(capsys.readouterr().out) == {"pending": 3}


def test_what_only_the_primary_has_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="no replica"):
        run(Primary(replicas=0), ["draining"], monkeypatch)


@pytest.mark.parametrize(
    "words", [["shut"], ["open", "closed"], ["open", "0"], ["open", "5", "6"], ["", "5"], ["5"]]
)
def test_another_word_is_refused(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        run(Primary(replicas=2), words, monkeypatch)
    assert end.value.code == 2
    assert "open, draining, closed, maintenance" in capsys.readouterr().err
