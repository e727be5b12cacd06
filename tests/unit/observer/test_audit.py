"""What the accounts say, process by process and in all."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from psycopg import OperationalError
from psycopg.types.multirange import Multirange
from psycopg.types.range import Range

from observer import audit
from observer.audit import Account, Audit, Book, Uncounted, began_after, is_past, living
from observer.gaps import EntryId

AT = datetime(2026, 1, 1, tzinfo=UTC)


def multirange(*pairs: tuple[int, int]) -> Multirange[Any]:
    return Multirange([Range(first, last + 1) for first, last in pairs])


def account(process: str = "p-1000-ab", **more: Any) -> Account:
    fields: dict[str, Any] = {"told": AT, "ended": True, "age": 1.0}
    fields |= {"missing": multirange(), "beyond": multirange()}
    numbers = {"acknowledged": 10, "stored": 10, "dead": 0, "stripped": 0}
    return Account(**{"process": process, **fields, **numbers, **more})


class Clock:
    """Looks at a book and at an empty queue, second by second."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, *accounts: Account, uncounted: Uncounted | None = None
    ) -> None:
        self.book, self.now = Book(accounts, uncounted), 0.0
        self.entries: list[Any] = []
        self.ask = Audit(lambda: self.book, lambda: (0, self.entries, self.entries), lambda: "reign")
        monkeypatch.setattr("observer.audit.time", SimpleNamespace(monotonic=lambda: self.now))

    def after(self, *moments: float) -> dict[str, Any]:
        for self.now in moments:
            found = self.ask()
        return found


def test_nothing_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Clock(monkeypatch, account(), account("q-1-a", acknowledged=5, stored=3, dead=2)).after(0)
    totals = {
        name: found[name]
        for name in ("acknowledged", "stored", "queued", "settling", "dead", "lost", "unknown")
    }
    assert totals == {
        "acknowledged": 15, "stored": 13, "queued": 0, "settling": 0, "dead": 2, "lost": 0, "unknown": 0,
    }  # fmt: skip
    assert found["judged"]


def test_a_lost_vote_is_named_and_before_that_nobody_says_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, account(), account("q-1-a", stored=9, missing=multirange((4, 4))))
    early = clock.after(0, 34)
    assert (early["settling"], early["lost"], early["judged"]) == (1, None, False)
    late = clock.after(35, 36)
    assert (late["settling"], late["lost"], late["judged"]) == (0, 1, True)
    assert [(each["process"], each["lost"], each["numbers"]) for each in late["processes"]] == [
        ("q-1-a", 1, [[4, 4]]),
        ("p-1000-ab", 0, []),
    ]


def test_what_a_killed_process_did_not_tell_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, account(beyond=multirange((12, 13))))
    assert clock.after(0, 34)["unknown"] == 0
    assert (clock.after(35, 36)["unknown"], clock.after(37)["lost"]) == (2, 0)


LONG_AGO, JUST_NOW = Uncounted(1.0, 1000.0), Uncounted(1.0, 1.0)
GAP: dict[str, Any] = {"missing": multirange((4, 4))}


def verdict(found: dict[str, Any]) -> tuple[int | None, int, int]:
    return found["lost"], found["unknown"], found["unjudged"]


@pytest.mark.parametrize(
    ("uncounted", "expected"),
    [(LONG_AGO, (0, 1, 1)), (None, (1, 0, 0)), (Uncounted(-100.0, 1.0), (1, 0, 0))],
    ids=["who knows when it was missed", "no such votes", "a process that began later"],
)
def test_what_is_missing_at_the_first_look_is_not_judged_where_votes_were_stored_without_numbers(
    monkeypatch: pytest.MonkeyPatch, uncounted: Uncounted | None, expected: tuple[int, int, int]
) -> None:
    clock = Clock(monkeypatch, account(**GAP), uncounted=uncounted)
    assert verdict(clock.after(0, 35, 36)) == expected


def test_what_is_missing_long_after_votes_without_numbers_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, account(), uncounted=LONG_AGO)
    clock.after(0)
    clock.book = Book([account(**GAP)], LONG_AGO)
    assert verdict(clock.after(5, 40, 45)) == (1, 0, 0)
    # Whatever is stored by hand now does not make it come again.
    clock.book = Book([account(missing=multirange((4, 4), (6, 6)))], Uncounted(900.0, 1.0))
    assert verdict(clock.after(50, 85, 90)) == (1, 1, 1)
    assert clock.after(95)["processes"][0]["numbers"] == [[4, 4]]


def test_what_is_missing_soon_after_votes_without_numbers_is_not_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock(monkeypatch, account(), uncounted=LONG_AGO)
    clock.after(0)
    clock.book = Book([account(**GAP)], Uncounted(900.0, 59.0))
    found = clock.after(5, 40, 45)
    assert verdict(found) == (0, 1, 1)
    assert found["uncounted"] == "1970-01-01T00:15:00+00:00"


@pytest.mark.parametrize(
    ("age", "oldest", "past"),
    [(61.0, None, True), (59.0, None, False), (999.0, (160_001, 0), True), (999.0, (160_000, 0), False)],
)
def test_all_have_told_again_when_a_minute_and_its_entries_are_through(
    age: float, oldest: EntryId | None, past: bool
) -> None:
    assert is_past(Uncounted(100.0, age), oldest) == past


@pytest.mark.parametrize(
    ("age", "ended", "silent"),
    [(119.0, False, False), (121.0, False, True), (None, False, True), (999.0, True, False)],
)
def test_who_tells_no_more_without_a_last_word_is_silent(
    monkeypatch: pytest.MonkeyPatch, age: float | None, ended: bool, silent: bool
) -> None:
    found = Clock(monkeypatch, account(age=age, ended=ended)).after(0)
    assert (found["silent"], found["processes"][0]["silent"]) == (silent, silent)


@pytest.mark.parametrize(
    ("accounts", "alive"),
    [
        ([], set()),
        ([account("a", age=None, ended=False)], set()),
        ([account("a", age=1.0, ended=False), account("b", age=1.0)], {"a"}),
        ([account("a", age=1.0, ended=False), account("b", age=121.0, ended=False)], {"a", "b"}),
        ([account("a", age=1.0, ended=False), account("b", age=122.0, ended=False)], {"a"}),
        ([account("a", age=900.0, ended=False), account("b", age=950.0, ended=False)], {"a", "b"}),
    ],
)
def test_who_tells_no_more_while_others_do_is_dead(accounts: list[Account], alive: set[str]) -> None:
    assert living(accounts) == alive


def test_a_process_that_lives_is_asked_to_tell_first(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, account(**GAP, ended=False))
    assert clock.after(*range(0, 90, 5))["settling"] == 1
    clock.book = Book([account(**GAP, ended=False, told=AT.replace(hour=1))], None)
    assert clock.after(90, 95)["lost"] == 1


def test_silence_is_no_answer_and_stops_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, account(**GAP))
    clock.after(0, 34)
    book = clock.book

    def away() -> Book:
        raise OperationalError

    clock.ask._accounts = away
    with pytest.raises(OperationalError):
        clock.after(35)
    clock.ask._accounts = lambda: book
    assert clock.after(90, 90.9)["lost"] is None
    assert clock.after(91, 92)["lost"] == 1


@pytest.mark.parametrize(
    ("process", "moment", "later"),
    [
        ("host-1000000-ab", 939.0, True),
        ("host-1000000-ab", 941.0, False),
        ("my-host-1000000-ab", 939.0, True),
        ("nonsense", 1.0, False),
        ("", 1.0, False),
    ],
)
def test_when_a_process_began_is_in_its_name(process: str, moment: float, later: bool) -> None:
    assert began_after(process, moment) == later


def test_those_with_lost_votes_come_first_and_the_list_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "MOST_SHOWN", 2)
    accounts = [
        account(f"p-{n}-a", told=AT.replace(day=n), missing=multirange(*[(1, 1)] * (n == 1)))
        for n in (1, 2, 3)
    ]
    found = Clock(monkeypatch, *accounts).after(0, 35, 36)
    assert [each["process"] for each in found["processes"]] == ["p-1-a", "p-3-a"]
    assert found["acknowledged"] == 30
