from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from vote import writer as module
from vote.account import Mark
from vote.ballot import Ballot, Numbers
from vote.poll import FIRST, Poll
from vote.primary import Identity, NotAcceptingError
from vote.probe import Probe
from vote.queue import NotRecordedError, NotTakenError
from vote.settings import Settings
from vote.writer import Writer

BALLOT = Ballot("v", "a", 1)


class Primary:
    """Connections to a primary that refuses some appends before it accepts, if its intake is open by then."""

    def __init__(self, refusals: int = 0, down: bool = False, intake: str = "open") -> None:
        self.identity = Identity("r", "m")
        self.newcomer = threading.Event()
        self.refusals = refusals
        self.down = down
        self.intake = intake
        self.present = FIRST
        self.appended: list[Ballot] = []
        self.numbers: list[Numbers | None] = []
        self.takes_numbers = True
        self.draining = self.maintained = False
        self.marks: list[Mark] = []
        self.dropped = 0
        self.probes: list[Probe] = []
        self.unsupported = False

    def open(self) -> Primary:
        if self.down:
            raise NotAcceptingError
        return self

    def append(self, ballots: Sequence[Ballot], numbers: Numbers | None = None) -> None:
        self.appended += ballots
        self.numbers.append(numbers)
        if self.refusals:
            self.refusals -= 1
            raise NotAcceptingError
        if self.intake != "open":
            raise NotTakenError(self.intake)

    def mark(self, mark: Mark) -> None:
        self.marks.append(mark)

    def append_probes(self, probes: Sequence[Probe]) -> None:
        self.probes += probes
        if self.unsupported:
            raise NotTakenError("unsupported")

    def present_poll(self) -> Poll:
        return self.present

    def drop(self, _connection: object) -> None:
        self.dropped += 1

    def close(self) -> None:
        pass


def started(primary: Primary, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Writer:
    monkeypatch.setattr(module, "Dialler", lambda _settings: primary)
    monkeypatch.setattr(module, "DEADLINE_SECONDS", 1.0)
    queue = Writer(settings)
    queue.start()
    return queue


def test_the_same_ballot_is_sent_again_until_it_is_acknowledged(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    primary = Primary(refusals=2)
    queue = started(primary, settings, monkeypatch)
    queue.publish(BALLOT)
    assert primary.appended == [BALLOT] * 3
    assert primary.dropped == 2
    assert queue.ready()


def test_without_acknowledgement_the_voter_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = started(Primary(down=True), settings, monkeypatch)
    with pytest.raises(NotRecordedError):
        queue.publish(BALLOT)
    assert not queue.ready()


def test_while_no_votes_are_taken_the_voter_learns_it_at_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    primary = Primary(intake="closed")
    queue = started(primary, settings, monkeypatch)
    with pytest.raises(NotTakenError, match="closed"):
        queue.publish(BALLOT)
    primary.intake = "open"
    queue.publish(BALLOT)
    assert primary.dropped == 0


def test_a_vote_that_may_be_in_the_queue_is_not_called_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = started(Primary(refusals=1, intake="closed"), settings, monkeypatch)
    with pytest.raises(NotRecordedError):
        queue.publish(BALLOT)


def test_each_attempt_has_numbers_of_its_own_and_only_the_last_is_acknowledged(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    primary = Primary(refusals=2)
    queue = started(primary, settings, monkeypatch)
    queue.publish(BALLOT)
    assert [numbers.first for numbers in primary.numbers if numbers] == [1, 2, 3]
    assert {numbers.process for numbers in primary.numbers if numbers} == {queue._accounts._open[0].process}
    assert str(queue._accounts._open[0].acknowledged) == "3-3"


def test_a_queue_of_the_release_before_gets_no_numbers(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    primary = Primary()
    primary.takes_numbers = False
    queue = started(primary, settings, monkeypatch)
    queue.publish(BALLOT)
    assert primary.numbers == [None]
    assert queue._accounts._open == []


def test_a_test_vote_is_sent_as_a_vote_is_and_kept_by_nobody(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    primary = Primary()
    queue = started(primary, settings, monkeypatch)
    queue.publish(Probe("x"))
    assert (primary.probes, primary.appended) == ([Probe("x")], [])
    assert not len(queue._ledger)


def test_a_queue_that_has_no_place_for_a_test_vote_takes_votes(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    primary = Primary()
    primary.unsupported = True
    queue = started(primary, settings, monkeypatch)
    with pytest.raises(NotTakenError, match="unsupported"):
        queue.publish(Probe("x"))
    queue.publish(BALLOT)
    assert (primary.appended, primary.dropped) == ([BALLOT], 0)


def test_at_the_end_the_last_word_is_said_when_everything_is_safe(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REPLAY_AFTER_LAST_SECONDS", 0.2)
    primary = Primary()
    queue = started(primary, settings, monkeypatch)
    queue.publish(BALLOT)
    queue.finish()
    assert [mark.text.split()[1:] for mark in primary.marks][-1] == ["1-1", "-", "end"]
    assert sum("end" in mark.text for mark in primary.marks) == 1


def test_a_process_leaves_a_queue_that_drains_without_waiting_for_a_last_word(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REPLAY_AFTER_LAST_SECONDS", 0.2)
    monkeypatch.setattr(module, "LAST_WORD_SECONDS", 3600)
    primary = Primary()
    queue = started(primary, settings, monkeypatch)
    queue.publish(BALLOT)
    primary.draining = True
    queue.finish()
    assert not any("end" in mark.text for mark in primary.marks)


@pytest.mark.parametrize("numbered", [True, False])
def test_a_process_leaves_although_its_last_word_is_not_taken(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, numbered: bool
) -> None:
    """As where its queue is of the release before, which it may have been all the time."""
    monkeypatch.setattr(module, "REPLAY_AFTER_LAST_SECONDS", 0.2)
    monkeypatch.setattr(module, "LAST_WORD_SECONDS", 0.3)
    primary = Primary()
    primary.takes_numbers = numbered
    queue = started(primary, settings, monkeypatch)
    queue.publish(BALLOT)
    primary.takes_numbers = False
    queue.finish()
    assert not any("end" in mark.text for mark in primary.marks)
    assert queue._accounts.ended != numbered
