"""The accounts of the votes: how many are acknowledged, stored, queued and dead, and which are lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import class_row
from psycopg.types.multirange import Multirange

from observer.gaps import GONE, QUEUED, SETTLING, EntryId, Gaps, Look, Seen, count, entry_id
from observer.question import SILENCE
from worker.account import Range

# A process names when it began, by its own clock.
CLOCKS_SECONDS = 60.0
# After votes were stored without numbers, it takes so long until every process has told of its account again.
DOUBT_SECONDS = 60.0
# A process tells of its account every half minute, until its last word.
SILENT_SECONDS = 120.0
MOST_SHOWN = 100
COUNTS = ("acknowledged", "stored", "queued", "settling", "dead", "lost", "unknown", "unjudged", "silent")

# `beyond` is what is missing among the stored ones after the last that is known to be acknowledged: the
# process ended before it could say.
ACCOUNTS = """
WITH present AS (
    SELECT process, told, ended, acknowledged AS a, unnumbered AS u, stored AS s, dead AS d
    FROM accounts JOIN poll ON poll.number = accounts.poll
), parts AS (
    SELECT process, told, ended, a, a * s AS stored, a * d - s AS dead,
        a - s - d - u AS missing, a * u - s - d AS stripped, later - s - d AS beyond
    FROM present, int8multirange(int8range(coalesce(upper(a), 1), greatest(upper(s), upper(a), 1))) AS later
)
SELECT process, told, ended, extract(epoch FROM clock_timestamp() - told)::float AS age, missing, beyond,
    (SELECT coalesce(sum(upper(r) - lower(r)), 0)::bigint FROM unnest(a) AS r) AS acknowledged,
    (SELECT coalesce(sum(upper(r) - lower(r)), 0)::bigint FROM unnest(stored) AS r) AS stored,
    (SELECT coalesce(sum(upper(r) - lower(r)), 0)::bigint FROM unnest(dead) AS r) AS dead,
    (SELECT coalesce(sum(upper(r) - lower(r)), 0)::bigint FROM unnest(stripped) AS r) AS stripped
FROM parts ORDER BY process
"""
UNCOUNTED = """
SELECT extract(epoch FROM last)::float AS last, extract(epoch FROM clock_timestamp() - last)::float AS age
FROM uncounted
"""


class Account(NamedTuple):
    """What the database says of one process: numbers, and how many of them there are.

    It told of them last `age` seconds ago, and has ended if that was its last word.
    """

    process: str
    told: datetime | None
    ended: bool
    age: float | None
    missing: Multirange[Any]
    beyond: Multirange[Any] | None
    acknowledged: int
    stored: int
    dead: int
    stripped: int

    @property
    def silent(self) -> bool:
        """Whether it ended without a last word, or cannot be heard."""
        return not self.ended and (self.age is None or self.age > SILENT_SECONDS)


class Uncounted(NamedTuple):
    """When votes were last stored without numbers, in Unix time, and how many seconds ago that was."""

    last: float
    age: float


class Book(NamedTuple):
    """All accounts of the poll, and whether votes were stored without numbers."""

    accounts: Sequence[Account]
    uncounted: Uncounted | None


def read_book(connection: psycopg.Connection) -> Book:
    """Ask the database for the accounts."""
    accounts = connection.cursor(row_factory=class_row(Account)).execute(ACCOUNTS).fetchall()
    # Last: whoever stored without numbers until the accounts were read is known.
    last = connection.cursor(row_factory=class_row(Uncounted)).execute(UNCOUNTED).fetchone()
    return Book(accounts, last)


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
        self._past: float | None = None

    def __call__(self) -> dict[str, Any]:
        """Look once; return what the picture says."""
        try:
            book = self._accounts()
            entries, newest, oldest = self._queue()
        except SILENCE:
            self._missing.interrupt()
            self._beyond.interrupt()
            raise
        self._note(book, end(oldest), end(newest))
        return {**summarize(book, self._missing, self._beyond), "entries": entries}

    def _note(self, book: Book, oldest: EntryId | None, newest: EntryId | None) -> None:
        at, reign = time.monotonic(), self._reign()
        alive, sure = living(book.accounts), self._sure(book)
        for gaps, numbers in (
            (self._missing, {each.process: each.missing for each in book.accounts}),
            (self._beyond, {each.process: each.beyond for each in book.accounts}),
        ):
            seen = {
                each.process: Seen(
                    ranges_of(numbers[each.process] or ()),
                    each.told,
                    each.process in alive,
                    each.process in sure,
                )
                for each in book.accounts
            }
            gaps.note(Look(at, seen, oldest, newest, reign))
        if book.uncounted and is_past(book.uncounted, oldest):
            self._past = book.uncounted.last

    def _sure(self, book: Book) -> set[str]:
        """Return the processes of which whatever is stored is in the account."""
        # What votes without numbers seem to leave out was seen by the end of the last look.
        if book.uncounted is None or book.uncounted.last == self._past:
            return {each.process for each in book.accounts}
        return {each.process for each in book.accounts if began_after(each.process, book.uncounted.last)}


def end(entries: Sequence[Any]) -> EntryId | None:
    """Return the id of the entry at an end of the queue, if there is any."""
    return entry_id(entries[0][0]) if entries else None


def ranges_of(numbers: Iterable[Any]) -> list[Range]:
    """Return ranges with the first and the last number of each."""
    return [(each.lower, each.upper - 1) for each in numbers]


def is_past(uncounted: Uncounted, oldest: EntryId | None) -> bool:
    """Say whether each process has told of its account since votes were stored without numbers.

    An entry's id begins with the milliseconds of its time.
    """
    waiting = oldest is not None and oldest[0] / 1000 <= uncounted.last + DOUBT_SECONDS
    return uncounted.age > DOUBT_SECONDS and not waiting


def began_after(process: str, moment: float) -> bool:
    """Say whether a process began, by the milliseconds in its name, after a moment in Unix time."""
    began = [*process.rsplit("-", 2), "", ""][1]
    return began.isascii() and began.isdigit() and int(began) / 1000 > moment + CLOCKS_SECONDS


def living(accounts: Sequence[Account]) -> set[str]:
    """Return the processes that will tell of their accounts again: while none of them does, none is dead."""
    latest = min((each.age for each in accounts if each.age is not None), default=0.0)
    return {
        each.process
        for each in accounts
        if not each.ended and each.age is not None and each.age - latest <= SILENT_SECONDS
    }


def summarize(book: Book, missing: Gaps, beyond: Gaps) -> dict[str, Any]:
    """Say it of all processes, and of each; how many are lost is None until that is known."""
    processes = [describe(each, missing, beyond) for each in book.accounts]
    total = {name: sum(each[name] for each in processes) for name in COUNTS}
    shown = sorted(processes, key=interest, reverse=True)[:MOST_SHOWN]
    known = missing.judged or total["lost"] > 0
    return {
        **total,
        "lost": total["lost"] if known else None,
        "judged": missing.judged,
        "uncounted": book.uncounted and iso(datetime.fromtimestamp(book.uncounted.last, UTC)),
        "processes": shown,
    }


def interest(process: Mapping[str, Any]) -> tuple[int, int, str]:
    """Return what puts processes in order: those with lost votes, those not at rest, then the latest."""
    return (
        process["lost"],
        process["queued"] + process["settling"] + process["unknown"],
        process["told"] or "",
    )


def describe(account: Account, missing: Gaps, beyond: Gaps) -> dict[str, Any]:
    """Say what became of the votes of one process."""
    process = account.process
    lost, unjudged = (missing.of(process, GONE, sure=sure) for sure in (True, False))
    return {
        "process": process,
        "acknowledged": account.acknowledged,
        "stored": account.stored,
        "queued": count(missing.of(process, QUEUED)),
        "settling": count(missing.of(process, SETTLING)),
        "dead": account.dead,
        "lost": count(lost),
        "numbers": [list(pair) for pair in lost[:MOST_SHOWN]],
        "unknown": account.stripped + count(beyond.of(process, GONE)) + count(unjudged),
        "unjudged": count(unjudged),
        "told": account.told and iso(account.told),
        "ended": account.ended,
        "silent": account.silent,
    }


def iso(time: datetime) -> str:
    """Write a time as ISO 8601, to the second."""
    return time.astimezone(UTC).isoformat(timespec="seconds")
