from __future__ import annotations

from collections.abc import Sequence

import pytest

from worker.ballot import Ballot, Entry
from worker.settle import store_batch
from worker.store import StoreAwayError, UnstorableError


def entry(number: int, voter: str, version: int = 1) -> Entry:
    fields = {b"id": voter.encode(), b"vote": b"a", b"version": str(version).encode()}
    return Entry(b"%d-0" % number, fields)


class Table:
    """Refuses any batch with a voter whose name begins with 'bad'."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.attempts = 0

    def save(self, ballots: Sequence[Ballot]) -> None:
        self.attempts += 1
        if any(ballot.voter.startswith("bad") for ballot in ballots):
            raise UnstorableError("refused")
        self.rows |= {ballot.voter: ballot.version for ballot in ballots}


def test_a_good_batch_is_stored_at_once() -> None:
    table = Table()
    stored, poison = store_batch([entry(1, "v"), entry(2, "w")], table.save)
    assert stored == [b"1-0", b"2-0"]
    assert poison == []
    assert table.attempts == 1


def test_an_older_vote_of_the_batch_is_settled_but_not_stored() -> None:
    table = Table()
    stored, _ = store_batch([entry(1, "v", 5), entry(2, "v", 3)], table.save)
    assert stored == [b"1-0", b"2-0"]
    assert table.rows == {"v": 5}


@pytest.mark.parametrize("culprits", [{0}, {3}, {99}, {0, 50, 51}, set(range(100))])
def test_culprits_are_found_and_all_others_stored(culprits: set[int]) -> None:
    table = Table()
    names = [f"bad{n}" if n in culprits else f"good{n}" for n in range(100)]
    entries = [entry(n, name) for n, name in enumerate(names)]
    stored, poison = store_batch(entries, table.save)
    assert [bad.entry for bad in poison] == [entries[n] for n in sorted(culprits)]
    assert {bad.reason for bad in poison} == {"refused"}
    assert len(stored) == 100 - len(culprits) == len(table.rows)


def test_malformed_entries_do_not_reach_the_table() -> None:
    table = Table()
    stored, poison = store_batch([Entry(b"1-0", {})], table.save)
    assert stored == []
    assert [bad.reason for bad in poison] == ["id is missing"]
    assert table.attempts == 0


def test_a_database_that_is_away_settles_nothing() -> None:
    def away(_ballots: Sequence[Ballot]) -> None:
        raise StoreAwayError

    with pytest.raises(StoreAwayError):
        store_batch([entry(1, "v"), Entry(b"2-0", {})], away)
