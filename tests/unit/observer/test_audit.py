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
from observer.audit import Account, Audit, Book, is_judged

AT = datetime(2026, 1, 1, tzinfo=UTC)


def multirange(*pairs: tuple[int, int]) -> Multirange[Any]:
    return Multirange([Range(first, last + 1) for first, last in pairs])


def account(process: str = "p-1000-ab", **more: Any) -> Account:
    fields: dict[str, Any] = {"told": AT, "missing": multirange(), "beyond": multirange()}
    numbers = {"acknowledged": 10, "stored": 10, "dead": 0, "stripped": 0}
    return Account(**{"process": process, **fields, **numbers, **more})


class Clock:
    """Looks at a book and at an empty queue, second by second."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, *accounts: Account, uncounted: float | None = None
    ) -> None:
        self.book, self.now = Book(accounts, uncounted), 0.0
        self.ask = Audit(lambda: self.book, lambda: (0, [], []), lambda: "reign")
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


@pytest.mark.parametrize(("uncounted", "lost", "unknown"), [(1.0, 0, 1), (None, 1, 0), (-100.0, 1, 0)])
def test_of_votes_that_an_older_worker_may_have_stored_nobody_says_lost(
    monkeypatch: pytest.MonkeyPatch, uncounted: float | None, lost: int, unknown: int
) -> None:
    clock = Clock(monkeypatch, account(missing=multirange((4, 4))), uncounted=uncounted)
    found = clock.after(0, 35, 36)
    assert (found["lost"], found["unknown"]) == (lost, unknown)


def test_silence_is_no_answer_and_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, account(missing=multirange((4, 4))))
    clock.after(0, 34)
    book = clock.book

    def away() -> Book:
        raise OperationalError

    clock.ask._accounts = away
    with pytest.raises(OperationalError):
        clock.after(35)
    clock.ask._accounts = lambda: book
    assert clock.after(40, 74)["lost"] is None
    assert clock.after(75, 76)["lost"] == 1


@pytest.mark.parametrize(
    ("process", "uncounted", "judged"),
    [
        ("host-1000000-ab", None, True),
        ("host-1000000-ab", 939.0, True),
        ("host-1000000-ab", 941.0, False),
        ("my-host-1000000-ab", 939.0, True),
        ("nonsense", 1.0, False),
        ("", 1.0, False),
    ],
)
def test_a_process_that_began_later_is_judged(process: str, uncounted: float | None, judged: bool) -> None:
    assert is_judged(process, uncounted) == judged


def test_those_with_lost_votes_come_first_and_the_list_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "MOST_SHOWN", 2)
    accounts = [
        account(f"p-{n}-a", told=AT.replace(day=n), missing=multirange(*[(1, 1)] * (n == 1)))
        for n in (1, 2, 3)
    ]
    found = Clock(monkeypatch, *accounts).after(0, 35, 36)
    assert [each["process"] for each in found["processes"]] == ["p-1-a", "p-3-a"]
    assert found["acknowledged"] == 30
