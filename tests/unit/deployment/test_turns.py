"""One verb at a time over all managers, and nobody waits for one that was killed."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from docker import DockerClient

from deployment.engine.machine import engine
from deployment.engine.machine.host import machine
from deployment.engine.records import turns
from deployment.engine.records.turns import Turn
from deployment.errors import DeployError
from deployment.operations import hold
from deployment.operations.runner import lock, log
from deployment.plan.turns import OVER_AFTER_SECONDS, Holder, over

LATE = OVER_AFTER_SECONDS + 1.0


@pytest.mark.parametrize(
    ("machine", "verb", "silent", "ended"),
    [
        ("there", "up", 0.0, False),
        ("there", "up", LATE, True),
        ("here", "up", 0.0, True),
        ("there", "lock", LATE, False),
        ("here", "lock", LATE, False),
    ],
    ids=[
        *("at work elsewhere", "not heard of", "of this machine, where nothing else runs"),
        *("by hand", "by hand, on this machine"),
    ],
)
def test_whose_turn_is_over(machine: str, verb: str, silent: float, ended: bool) -> None:
    assert over(Holder("me@node", verb, "2026-01-01T00:00:00", machine=machine), "here", silent) == ended


@pytest.mark.parametrize(
    "told",
    [
        "2026-01-01T12:00:30.987654321Z",
        "2026-01-01T14:00:30.987654321+02:00",
        "2026-01-01T06:30:30.9-05:30",
    ],
    ids=["UTC", "east of it", "west of it"],
)
def test_an_engine_in_another_time_zone_has_heard_of_the_holder_as_lately(told: str) -> None:
    client = cast(DockerClient, SimpleNamespace(info=lambda: {"SystemTime": told}))
    turn = Turn("id", Holder("me@node", "up", ""), "2026-01-01T12:00:00.123456789Z")
    assert turns.silent_seconds(client, turn) == pytest.approx(30.9, abs=0.2)
    # Times are compared as text.
    assert turn.beat < engine.time_now(client) < "2026-01-01T12:00:31Z"


def test_who_has_it_is_a_sentence() -> None:
    held = Holder("me@node-1", "lock", "2026-01-01T00:00:00.123+00:00", "the poll ends at noon")
    assert held.sentence() == (
        "me@node-1 has the lock, by `lock`, since 2026-01-01T00:00:00 UTC: the poll ends at noon"
    )


class Shelf:
    """The turn that the Swarm keeps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, turn: Turn | None) -> None:
        self.turn = turn
        monkeypatch.setattr(turns, "read", lambda _: self.turn)
        monkeypatch.setattr(turns, "give_back", lambda _, turn: self._gone(turn))
        monkeypatch.setattr(log, "note", lambda *_: None)

    def _gone(self, turn: str) -> None:
        assert self.turn is not None
        assert self.turn.id == turn
        self.turn = None


AT_WORK = Turn("1", Holder("me@here", "up", "2026-01-01T00:00:00", machine=machine()), "")
CLIENT = cast(DockerClient, "an engine")


def test_lock_takes_nothing_from_a_verb_that_is_at_work_on_this_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept = Shelf(monkeypatch, AT_WORK)
    monkeypatch.setattr(lock, "LOCK_FILE", tmp_path / "lock")
    with lock.held(), pytest.raises(DeployError, match="at work on this machine"):
        hold.take(CLIENT, "")
    assert kept.turn is AT_WORK


def test_unlock_gives_back_the_lock_that_was_seen_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    later = Turn("2", Holder("ann@there", "nodes move", "2026-01-01T00:05:00"), "")
    kept = Shelf(monkeypatch, later)
    with pytest.raises(DeployError, match="ann@there has the lock, by `nodes move`"):
        hold.give_back(CLIENT, AT_WORK)
    assert kept.turn is later
    assert "Until now ann@there" in hold.give_back(CLIENT, later)
    assert hold.give_back(CLIENT, later) == "Nobody has the lock any more."
