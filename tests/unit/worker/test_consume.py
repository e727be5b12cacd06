from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from worker.ballot import Ballot, Entry
from worker.consume import Consumer
from worker.letter import Letter
from worker.patience import Patience
from worker.store import StoreAwayError, UnstorableError

GOOD = Entry(b"1-0", {b"id": b"v", b"vote": b"a", b"version": b"1"})
BAD = Entry(b"2-0", {b"nonsense": b"1"})
LETTER = Letter(b"2-0", BAD.fields, "id is missing")
OLD = Letter(b"0-1", {b"id": b""}, "id is empty")


class Queue:
    """A queue of some entries and old letters, that asks the worker to stop when it has nothing more."""

    def __init__(self, stop: threading.Event, entries: Sequence[Entry], old: Sequence[Letter] = ()) -> None:
        self.entries = {entry.entry_id: entry for entry in entries}
        self.old = {letter.entry: [letter] for letter in old}
        self.taken = False
        self.stop = stop

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

    def close(self) -> None:
        pass


class Table:
    """A database that is away for some commits of letters, or refuses them."""

    def __init__(self, away: int = 0, refuses: bool = False) -> None:
        self.away, self.refuses = away, refuses
        self.votes: list[Ballot] = []
        self.letters: list[Letter] = []

    def save(self, ballots: Sequence[Ballot]) -> None:
        self.votes += ballots

    def bury(self, letters: Sequence[Letter]) -> None:
        if self.away:
            self.away -= 1
            raise StoreAwayError
        if self.refuses:
            raise UnstorableError("somebody's constraint")
        self.letters += letters

    def pulse(self) -> None:
        pass

    def close(self) -> None:
        pass


def worked(table: Table, path: Path, *entries: Entry, old: Sequence[Letter] = ()) -> Queue:
    stop = threading.Event()
    queue = Queue(stop, entries, old)
    doubles: dict[str, Any] = {"stream": queue, "store": table}
    Consumer(**doubles, patience=Patience(stop, path / "heartbeat"), stop=stop).run()
    return queue


@pytest.mark.parametrize("away", [0, 2])
def test_votes_and_letters_leave_the_queue_when_they_are_stored(tmp_path: Path, away: int) -> None:
    table = Table(away=away)
    queue = worked(table, tmp_path, GOOD, BAD, old=[OLD])
    assert table.votes == [Ballot("v", "a", 1)]
    assert table.letters == [OLD, LETTER]
    assert (queue.entries, queue.old) == ({}, {})


def test_letters_that_the_database_refuses_stay_in_the_queue_and_hold_nobody_up(tmp_path: Path) -> None:
    table = Table(refuses=True)
    queue = worked(table, tmp_path, GOOD, BAD, old=[OLD])
    assert table.votes == [Ballot("v", "a", 1)]
    assert list(queue.entries) == [b"2-0"]
    assert list(queue.old) == [b"0-1"]
