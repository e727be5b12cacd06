"""Setting the intake counts once the primary and a replica have it."""

from __future__ import annotations

from typing import Any

import pytest
from redis.exceptions import RedisError

from observer import intake


class Primary:
    """A Redis with so many replicas in step, and so many entries in its queue."""

    def __init__(self, replicas: int, entries: int = 0) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self._replicas, self._entries = replicas, entries

    def set(self, key: str, state: str) -> None:
        self.asked.append(("set", key, state))

    def wait(self, *_: int) -> int:
        self.asked.append(("wait",))
        return self._replicas

    def xlen(self, key: str) -> int:
        self.asked.append(("xlen", key))
        return self._entries


def test_what_waits_is_counted_after_the_intake_was_set() -> None:
    primary = Primary(replicas=2, entries=3)
    assert intake.set_intake(primary, "draining") == {"intake": "draining", "pending": 3}
    assert primary.asked == [("set", "votes:intake", "draining"), ("wait",), ("xlen", "votes")]


def test_what_only_the_primary_has_is_not_set() -> None:
    with pytest.raises(RedisError, match="no replica"):
        intake.set_intake(Primary(replicas=0), "draining")


@pytest.mark.parametrize("words", [[], ["shut"], ["open", "closed"]])
def test_another_word_is_refused(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["observer.intake", *words])
    with pytest.raises(SystemExit) as end:
        intake.main()
    assert end.value.code == 2
    assert "open, draining, closed, maintenance" in capsys.readouterr().err
