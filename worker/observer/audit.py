"""The accounts of the votes: how many are acknowledged, stored, queued and dead, and which are lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import class_row
from psycopg.types.multirange import Multirange

from observer.gaps import GONE, QUEUED, SETTLING, Gaps, Look, Range, count, entry_id
from observer.question import SILENCE

# A process names when it began, by its own clock.
CLOCKS_SECONDS = 60.0
MOST_SHOWN = 100

# `beyond` is what is missing among the stored ones after the last that is known to be acknowledged: the
# process ended before it could say.
ACCOUNTS = """
WITH present AS (
    SELECT process, told, acknowledged AS a, unnumbered AS u, stored AS s, dead AS d
    FROM accounts JOIN poll ON poll.number = accounts.poll
), parts AS (
    SELECT process, told, a, a * s AS stored, a * d - s AS dead,
        a - s - d - u AS missing, a * u - s - d AS stripped, later - s - d AS beyond
    FROM present, int8multirange(int8range(coalesce(upper(a), 1), greatest(upper(s), upper(a), 1))) AS later
)
SELECT process, told, missing, beyond,
    (SELECT coalesce(sum(upper(r) - lower(r)), 0)::bigint FROM unnest(a) AS r) AS acknowledged,
    (SELECT coalesce(sum(upper(r) - lower(r)), 0)::bigint FROM unnest(stored) AS r) AS stored,
    (SELECT coalesce(sum(upper(r) - lower(r)), 0)::bigint FROM unnest(dead) AS r) AS dead,
    (SELECT coalesce(sum(upper(r) - lower(r)), 0)::bigint FROM unnest(stripped) AS r) AS stripped
FROM parts ORDER BY process
"""
UNCOUNTED = "SELECT extract(epoch FROM last)::float FROM uncounted"


class Account(NamedTuple):
    """What the database says of one process: numbers, and how many of them there are."""

    process: str
    told: datetime | None
    missing: Multirange[Any]
    beyond: Multirange[Any] | None
    acknowledged: int
    stored: int
    dead: int
    stripped: int


class Book(NamedTuple):
    """All accounts of the poll, and when votes were last stored without numbers, in Unix time."""

    accounts: Sequence[Account]
    uncounted: float | None


def read_book(connection: psycopg.Connection) -> Book:
    """Ask the database for the accounts."""
    # First: whoever stored without numbers by then is known when the accounts are read.
    last = connection.execute(UNCOUNTED).fetchone()
    accounts = connection.cursor(row_factory=class_row(Account)).execute(ACCOUNTS).fetchall()
    return Book(accounts, last[0] if last else None)


class Audit:
    """Looks at the accounts, then at the queue, and says what became of each vote."""

    def __init__(
        self,
        accounts: Callable[[], Book],
        queue: Callable[[], Sequence[Any]],
        reign: Callable[[], object | None],
    ) -> None:
        self._accounts, self._queue, self._reign = accounts, queue, reign
        self._missing, self._beyond = Gaps(), Gaps()

    def __call__(self) -> dict[str, Any]:
        """Look once; return what the picture says."""
        try:
            book = self._accounts()
            entries, oldest, newest = self._queue()
        except SILENCE:
            self._missing.interrupt()
            self._beyond.interrupt()
            raise
        self._note(book, oldest, newest)
        return {**summarize(book, self._missing, self._beyond), "entries": entries}

    def _note(self, book: Book, oldest: Sequence[Any], newest: Sequence[Any]) -> None:
        ends = (entry_id(oldest[0][0]) if oldest else None, entry_id(newest[0][0]) if newest else None)
        missing = {each.process: ranges_of(each.missing) for each in book.accounts if each.missing}
        beyond = {each.process: ranges_of(each.beyond) for each in book.accounts if each.beyond}
        at, reign = time.monotonic(), self._reign()
        self._missing.note(Look(at, missing, *ends, reign))
        self._beyond.note(Look(at, beyond, *ends, reign))


def ranges_of(numbers: Iterable[Any]) -> list[Range]:
    """Return ranges with the first and the last number of each."""
    return [(each.lower, each.upper - 1) for each in numbers]


def summarize(book: Book, missing: Gaps, beyond: Gaps) -> dict[str, Any]:
    """Say it of all processes, and of each; how many are lost is None until that is known."""
    processes = [describe(each, book.uncounted, missing, beyond) for each in book.accounts]
    names = ("acknowledged", "stored", "queued", "settling", "dead", "lost", "unknown")
    total = {name: sum(each[name] for each in processes) for name in names}
    shown = sorted(processes, key=interest, reverse=True)[:MOST_SHOWN]
    known = missing.judged or total["lost"] > 0
    return {**total, "lost": total["lost"] if known else None, "judged": missing.judged, "processes": shown}


def interest(process: Mapping[str, Any]) -> tuple[int, int, str]:
    """Return what puts processes in order: those with lost votes, those not at rest, then the latest."""
    return (
        process["lost"],
        process["queued"] + process["settling"] + process["unknown"],
        process["told"] or "",
    )


def describe(account: Account, uncounted: float | None, missing: Gaps, beyond: Gaps) -> dict[str, Any]:
    """Say what became of the votes of one process."""
    process = account.process
    gone = missing.of(process, GONE)
    judged = is_judged(process, uncounted)
    unknown = account.stripped + count(beyond.of(process, GONE)) + (0 if judged else count(gone))
    return {
        "process": process,
        "acknowledged": account.acknowledged,
        "stored": account.stored,
        "queued": count(missing.of(process, QUEUED)),
        "settling": count(missing.of(process, SETTLING)),
        "dead": account.dead,
        "lost": count(gone) if judged else 0,
        "numbers": [list(pair) for pair in gone[:MOST_SHOWN]] if judged else [],
        "unknown": unknown,
        "told": account.told.astimezone(UTC).isoformat(timespec="seconds") if account.told else None,
    }


def is_judged(process: str, uncounted: float | None) -> bool:
    """Say whether every stored vote of a process is in its account.

    Not where it had begun, by the milliseconds in its name, when votes were stored without numbers.
    """
    if uncounted is None:
        return True
    began = [*process.rsplit("-", 2), "", ""][1]
    return began.isascii() and began.isdigit() and int(began) / 1000 > uncounted + CLOCKS_SECONDS
