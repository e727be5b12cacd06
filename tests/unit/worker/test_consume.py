from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import BusyLoadingError, ResponseError
from structlog.testing import CapturingLogger

from worker.account import Row
from worker.ballot import Ballot, Entry
from worker.consume import Consumer
from worker.letter import Letter
from worker.patience import Patience
from worker.poll import CLOSED, FINAL, OPEN, Poll
from worker.store import StoreAwayError, UnstorableError
from worker.stream import Held, StreamAwayError, read_held

GOOD = Entry(b"1-0", {b"id": b"v", b"vote": b"a", b"version": b"1"})
BAD = Entry(b"2-0", {b"nonsense": b"1"})
PROBE = Entry(b"3-0", {b"votes": b"[]", b"probe": b"0" * 32})
CLOSES = datetime(2026, 12, 24, 20, tzinfo=UTC)
LETTER = Letter(b"2-0", BAD.fields, "id is missing")
OLD = Letter(b"0-1", {b"id": b""}, "id is empty")


class Queue:
    """A queue of some entries and old letters, that asks the worker to stop when it has nothing more."""

    def __init__(self, stop: threading.Event, entries: Sequence[Entry], old: Sequence[Letter] = ()) -> None:
        self.entries = {entry.entry_id: entry for entry in entries}
        self.old = {letter.entry: [letter] for letter in old}
        self.taken = False
        self.stop = stop
        self.told: list[Poll] = []
        self.holds: int | None = None  # a revision of its own
        self.word: str | None = "open"
        self.reign = ("run", "1")

    def take(self) -> list[Entry]:
        if self.taken:
            self.stop.set()
            return []
        self.taken = True
        return list(self.entries.values())

    def remove(self, ids: Sequence[bytes]) -> None:
        for each in ids:
            del self.entries[each]

    def old_letters(self) -> dict[bytes, list[Letter]]:
        return dict(self.old)

    def remove_old_letters(self, ids: Sequence[bytes]) -> None:
        for each in ids:
            del self.old[each]

    def tell(self, poll: Poll) -> Held:
        self.told.append(poll)
        return Held(self.holds or poll.revision, self.reign)

    def intake(self) -> str | None:
        return self.word

    def waiting(self) -> int:
        return len(self.entries)

    def close(self) -> None:
        pass


class LateLetters(Queue):
    """A queue whose old letters come only after its entries were taken."""

    def old_letters(self) -> dict[bytes, list[Letter]]:
        return super().old_letters() if self.taken else {}


class Table:
    """A database that is away for some commits of letters, or refuses them."""

    def __init__(self, away: int = 0, refuses: bool = False) -> None:
        self.away, self.refuses = away, refuses
        self.votes: list[Ballot] = []
        self.letters: list[Letter] = []
        self.present = Poll(1, 1, OPEN, None, False, 1000.0)
        self.configured: list[datetime | None] = []
        self.shown: list[str] = []
        self.pulses: list[str | None] = []

    def show(self, probes: Sequence[str]) -> None:
        self.shown += probes

    def save(self, ballots: Sequence[Ballot], _poll: int, _adds: Sequence[Row] = ()) -> None:
        self.votes += ballots

    def configure(self, closes: datetime | None) -> None:
        self.configured.append(closes)

    def poll(self) -> Poll:
        return self.present

    def outbid(self, poll: Poll, revision: int) -> None:
        assert poll == self.present
        self.present = poll._replace(revision=revision + 1)

    def enter(self, poll: Poll, state: str) -> None:
        assert poll == self.present
        self.present = poll._replace(state=state, revision=poll.revision + 1)

    def bury(self, letters: Sequence[Letter]) -> None:
        if self.away:
            self.away -= 1
            raise StoreAwayError
        if self.refuses:
            raise UnstorableError("somebody's constraint")
        self.letters += letters

    def pulse(self, intake: str | None = None) -> None:
        self.pulses.append(intake)

    def close(self) -> None:
        pass


def worked(
    table: Table,
    path: Path,
    *entries: Entry,
    old: Sequence[Letter] = (),
    holds: int | None = None,
    kind: type[Queue] = Queue,
) -> Queue:
    stop = threading.Event()
    queue = kind(stop, entries, old)
    queue.holds = holds
    doubles: dict[str, Any] = {"stream": queue, "store": table, "closes": CLOSES}
    Consumer(**doubles, patience=Patience(stop, path / "heartbeat"), stop=stop).run()
    return queue


@pytest.mark.parametrize("away", [0, 2])
def test_votes_and_letters_leave_the_queue_when_they_are_stored(tmp_path: Path, away: int) -> None:
    table = Table(away=away)
    queue = worked(table, tmp_path, GOOD, BAD, old=[OLD])
    assert table.votes == [Ballot("v", "a", 1)]
    assert table.letters == [OLD, LETTER]
    assert (queue.entries, queue.old) == ({}, {})


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> CapturingLogger:
    """What the loop writes into the log."""
    found = CapturingLogger()
    monkeypatch.setattr("worker.consume.log", found)
    return found


def line(written: CapturingLogger, event: str) -> dict[str, Any]:
    """Return what the one line of an event says."""
    (found,) = (call.kwargs for call in written.calls if call.args == (event,))
    return found


def test_the_log_names_a_batch_by_its_entries_and_nobody_who_voted(
    tmp_path: Path, written: CapturingLogger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.consume.OLD_LETTERS_EVERY_SECONDS", 0)
    voter = "5e0a-of-a-voter"
    entries = [Entry(b"%d-0" % n, {**GOOD.fields, b"id": voter.encode()}) for n in (3, 4, 5)]
    worked(Table(away=1), tmp_path, *entries, old=[OLD], kind=LateLetters)
    assert line(written, "batch stored") == {"entries": 3, "first_entry": "3-0", "last_entry": "5-0"}
    waits = line(written, "database away, batch waits")
    assert "first_entry" not in waits  # those were letters of no batch
    assert voter not in str(written.calls)


def test_the_log_names_the_batch_that_waits_for_the_database(
    tmp_path: Path, written: CapturingLogger
) -> None:
    worked(Table(away=1), tmp_path, GOOD, BAD)
    waits = line(written, "database away, batch waits")
    assert (waits["first_entry"], waits["last_entry"]) == ("1-0", "2-0")


def test_a_test_vote_is_shown_and_is_no_vote(tmp_path: Path) -> None:
    table = Table()
    queue = worked(table, tmp_path, GOOD, PROBE)
    assert (table.votes, table.shown, table.letters) == ([Ballot("v", "a", 1)], ["0" * 32], [])
    assert queue.entries == {}


class Guarded(Table):
    """A database that shows nothing, and sees what is still in the queue when it is asked to."""

    def __init__(self, error: Exception, queue: Queue) -> None:
        super().__init__()
        self.error, self.queue = error, queue
        self.asked: list[list[bytes]] = []

    def show(self, probes: Sequence[str]) -> None:
        assert not self.asked, "asked again"
        self.asked.append([*self.queue.entries])
        raise self.error


@pytest.mark.parametrize("error", [StoreAwayError("lock"), UnstorableError("somebody's constraint")])
def test_a_test_vote_that_cannot_be_shown_is_tried_once_and_holds_no_vote_up(
    tmp_path: Path, written: CapturingLogger, error: Exception
) -> None:
    stop = threading.Event()
    queue = Queue(stop, [GOOD, PROBE])
    table = Guarded(error, queue)
    doubles: dict[str, Any] = {"stream": queue, "store": table}
    Consumer(**doubles, patience=Patience(stop, tmp_path / "heartbeat"), stop=stop).run()
    assert (table.votes, table.asked) == ([Ballot("v", "a", 1)], [[]])
    assert line(written, "test votes not shown") == {"count": 1, "reason": str(error)}


def test_letters_that_the_database_refuses_stay_in_the_queue_and_hold_nobody_up(tmp_path: Path) -> None:
    table = Table(refuses=True)
    queue = worked(table, tmp_path, GOOD, BAD, old=[OLD])
    assert table.votes == [Ballot("v", "a", 1)]
    assert list(queue.entries) == [b"2-0"]
    assert list(queue.old) == [b"0-1"]


def test_the_queue_is_told_which_poll_there_is_and_the_setting_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.consume.PULSE_EVERY_SECONDS", 0)
    table = Table()
    queue = worked(table, tmp_path)
    assert queue.told == [table.present] * 2
    assert table.configured == [CLOSES]


class SilentAtFirst(Queue):
    """A queue that answers no question when it is asked for the first time."""

    def tell(self, poll: Poll) -> Held:
        if not self.told:
            self.told.append(poll)
            raise StreamAwayError("no answer")
        return super().tell(poll)


def test_the_database_is_told_with_each_pulse_whether_votes_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.consume.PULSE_EVERY_SECONDS", 0)
    table = Table()
    worked(table, tmp_path)
    assert table.pulses == [None, "open"]


def test_the_pulse_goes_on_while_the_queue_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.consume.PULSE_EVERY_SECONDS", 0)
    table = Table()
    worked(table, tmp_path, kind=SilentAtFirst)
    assert table.pulses == [None, None, "open"]


@pytest.mark.parametrize("state", [OPEN, CLOSED])
def test_where_the_queue_knows_more_than_the_database_its_word_is_outbid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    """Nothing is final by a word that the queue does not go by."""
    monkeypatch.setattr("worker.poll.LAST_REPLAY_SECONDS", 1e-9)
    table = Table()
    table.present = table.present._replace(state=state)
    worked(table, tmp_path, holds=9)
    assert (table.present.revision, table.present.state) == (10, state)


def test_a_closed_poll_is_final_only_when_nothing_waits_and_all_is_calm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Table()
    table.present = table.present._replace(state=CLOSED)
    worked(table, tmp_path, GOOD)  # it is looked at before the entry is stored
    assert table.present.state == CLOSED
    worked(table, tmp_path)  # a worker that has just begun knows of no calm
    assert table.present.state == CLOSED
    monkeypatch.setattr("worker.poll.LAST_REPLAY_SECONDS", -1)
    worked(table, tmp_path)
    assert table.present.state == FINAL


class Slow(Queue):
    """A queue from which a batch takes longer than the calm that a final result needs."""

    def take(self) -> list[Entry]:
        time.sleep(0.3)
        return super().take()


class Renewed(Slow):
    """A queue that has another primary after it: the client has connected anew, and nothing failed."""

    def take(self) -> list[Entry]:
        self.reign = ("run", "2")
        return super().take()


@pytest.mark.parametrize(("kind", "state"), [(Slow, FINAL), (Renewed, CLOSED)])
def test_another_primary_is_a_break_even_if_no_command_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Queue], state: str
) -> None:
    """It may not have heard of the end of the poll, and take votes until a worker tells it."""
    monkeypatch.setattr("worker.consume.PULSE_EVERY_SECONDS", 0)
    monkeypatch.setattr("worker.poll.LAST_REPLAY_SECONDS", 0.2)
    table = Table()
    table.present = table.present._replace(state=CLOSED)
    worked(table, tmp_path, kind=kind)
    assert table.present.state == state


INFO = {"role": "master", "run_id": "run", "master_replid": "1"}


def test_what_a_primary_holds_is_a_revision_and_its_reign() -> None:
    assert read_held(7, INFO) == Held(7, ("run", "1"))
    unknown = ResponseError("unknown command 'VOTES.POLL', with args beginning with: '7'")
    assert read_held(unknown, INFO) == Held(None, ("run", "1"))


@pytest.mark.parametrize(
    ("told", "info"), [(BusyLoadingError("loading"), INFO), (7, BusyLoadingError("loading"))]
)
def test_a_primary_that_answers_with_an_error_holds_nothing(told: object, info: object) -> None:
    with pytest.raises(BusyLoadingError):
        read_held(told, info)
