from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from worker.account import Mark, Numbers, Row
from worker.ballot import Ballot, Content, Poison, packed
from worker.settle import store_batch
from worker.store import OverError, StoreAwayError, UnstorableError


def entry(number: int, *voters: str, version: int = 1) -> Content:
    return Content(b"%d-0" % number, [Ballot(voter, "a", version) for voter in voters], ())


def malformed(number: int, *voters: str) -> Content:
    return entry(number, *voters)._replace(poison=[Poison({}, "malformed")])


class Table:
    """Refuses any batch with a voter whose name begins with 'bad'."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.attempts = 0

    def save(self, ballots: Sequence[Ballot], poll: int, _adds: Sequence[Row] = ()) -> None:
        self.attempts += 1
        if poll != 1:
            raise OverError(f"poll {poll} is over")
        if any(ballot.voter.startswith("bad") for ballot in ballots):
            raise UnstorableError("refused")
        self.rows |= {ballot.voter: ballot.version for ballot in ballots}


def test_a_good_batch_is_stored_at_once() -> None:
    table = Table()
    stored, poison = store_batch([entry(1, "v"), entry(2, "w")], table.save)
    assert stored == [b"1-0", b"2-0"]
    assert not poison
    assert table.attempts == 1


def test_an_older_vote_of_the_batch_is_settled_but_not_stored() -> None:
    table = Table()
    stored, _ = store_batch([entry(1, "v", version=5), entry(2, "v", version=3)], table.save)
    assert stored == [b"1-0", b"2-0"]
    assert table.rows == {"v": 5}


@pytest.mark.parametrize("together", [1, 16])
@pytest.mark.parametrize("culprits", [{0}, {3}, {99}, {0, 50, 51}, set(range(100))])
def test_culprits_are_found_and_all_others_stored(culprits: set[int], together: int) -> None:
    table = Table()
    names = [f"bad{n}" if n in culprits else f"good{n}" for n in range(100)]
    entries = [entry(n, *names[n : n + together]) for n in range(0, 100, together)]
    stored, poison = store_batch(entries, table.save)
    found = [(at, bad.fields, bad.reason) for at, all_bad in poison.items() for bad in all_bad]
    assert found == [
        (b"%d-0" % (n // together * together), packed((names[n], "a", 1)), "refused")
        for n in sorted(culprits)
    ]
    assert [*stored, *poison] == sorted([*stored, *poison], key=lambda at: (at in poison, int(at[:-2])))
    assert set(stored).isdisjoint(poison)
    assert len(stored) + len(poison) == len(entries)
    assert len(table.rows) == 100 - len(culprits)


@pytest.mark.parametrize("count", [2, 1000, 8000])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.999])
def test_a_culprit_costs_as_many_statements_as_halvings_lead_to_it(count: int, share: float) -> None:
    table = Table()
    bad = int(share * count)
    store_batch([entry(n, f"bad{n}" if n == bad else f"good{n}") for n in range(count)], table.save)
    assert table.attempts <= math.ceil(math.log2(count)) + 4


@pytest.mark.parametrize("every", [1, 2, 7, 100, 999])
def test_many_culprits_cost_no_more_each(every: int) -> None:
    table = Table()
    names = [f"good{n}" if n % every else f"bad{n}" for n in range(1000)]
    _, poison = store_batch([entry(n, name) for n, name in enumerate(names)], table.save)
    assert len(poison) == len(range(0, 1000, every))
    assert table.attempts <= len(poison) * (math.ceil(math.log2(1000)) + 3) + 1


def test_what_is_refused_only_together_is_stored() -> None:
    rows: list[Ballot] = []

    def save(ballots: Sequence[Ballot], _poll: int, _adds: Sequence[Row] = ()) -> None:
        if len(ballots) > 1:
            raise UnstorableError("too many")
        rows.extend(ballots)

    stored, poison = store_batch([entry(n, f"v{n}") for n in range(5)], save)
    assert (len(stored), len(rows), poison) == (5, 5, {})


def test_malformed_ballots_do_not_reach_the_table_and_the_others_of_their_entry_do() -> None:
    table = Table()
    stored, poison = store_batch([malformed(1), malformed(2, "v", "bad")], table.save)
    assert stored == []
    assert [[bad.reason for bad in all_bad] for all_bad in poison.values()] == [
        ["malformed"],
        ["malformed", "refused"],
    ]
    assert table.rows == {"v": 1}


def test_nothing_but_poison_does_not_trouble_the_table() -> None:
    table = Table()
    store_batch([malformed(1)], table.save)
    assert table.attempts == 0


def test_a_database_that_is_away_settles_nothing() -> None:
    def away(_ballots: Sequence[Ballot], _poll: int, _adds: Sequence[Row]) -> None:
        raise StoreAwayError

    with pytest.raises(StoreAwayError):
        store_batch([entry(1, "v"), malformed(2)], away)


def test_votes_of_another_poll_become_letters_that_name_it_and_all_others_are_stored() -> None:
    table = Table()
    entries = [entry(1, "v"), entry(2, "w", "x")._replace(poll=2), entry(3, "y")]
    stored, poison = store_batch(entries, table.save)
    assert stored == [b"1-0", b"3-0"]
    assert table.rows == {"v": 1, "y": 1}
    assert {entry_id: [bad.reason for bad in each] for entry_id, each in poison.items()} == {
        b"2-0": ["poll 2 is over"] * 2
    }
    # Brought again, they are still of that poll.
    assert {bad.fields[b"poll"] for bad in poison[b"2-0"]} == {b"2"}
    assert table.attempts == 2  # however many there are


class Book:
    """Notes what is added to the accounts; refuses voters who are called 'bad', and other polls."""

    def __init__(self) -> None:
        self.adds: list[Row] = []

    def save(self, ballots: Sequence[Ballot], poll: int, adds: Sequence[Row]) -> None:
        if poll != 1:
            raise OverError("over")
        if any(ballot.voter.startswith("bad") for ballot in ballots):
            raise UnstorableError("refused")
        self.adds += adds


def numbered(number: int, first: int, *voters: str) -> Content:
    return entry(number, *voters)._replace(process="p", numbers=range(first, first + len(voters)))


MARK = Content(b"9-0", (), (), mark=Mark("p", [(1, 9)], []))


def test_the_numbers_of_a_batch_are_added_with_it() -> None:
    book = Book()
    store_batch([numbered(1, 1, "v", "w"), entry(2, "x"), numbered(3, 3, "v"), MARK], book.save)
    assert book.adds == [Row("p", "{[1,10)}", "{}", "{[1,4)}", ended=False)]


def test_votes_and_numbers_that_do_not_fit_are_never_paired() -> None:
    with pytest.raises(ValueError, match="shorter"):
        store_batch([numbered(1, 1, "v", "bad", "w")._replace(numbers=range(1, 3))], Book().save)


def test_a_number_goes_with_the_vote_that_is_refused() -> None:
    book = Book()
    _, poison = store_batch([numbered(1, 1, "v", "bad", "w")], book.save)
    assert [row.stored for row in book.adds] == ["{[1,2)}", "{[3,4)}"]
    assert poison == {b"1-0": [Poison(packed(("bad", "a", 1), 1, Numbers("p", 2)), "refused")]}


@pytest.mark.parametrize("others", [(), (entry(1, "bad"),), (entry(1, "bad0", "bad1"),)])
def test_a_mark_is_kept_whatever_comes_with_it(others: tuple[Content, ...]) -> None:
    book = Book()
    stored, _ = store_batch([*others, MARK], book.save)
    assert book.adds == [Row("p", "{[1,10)}", ended=False)]
    assert stored == [b"9-0"]


def test_a_mark_of_a_poll_that_is_over_is_ignored() -> None:
    stored, poison = store_batch([MARK._replace(poll=2)], Book().save)
    assert (stored, poison) == ([b"9-0"], {})
