"""The database's side of a worker: a batch is stored when its commit is safe on a standby."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from importlib.resources import files
from typing import Any

import psycopg
import structlog
from psycopg.errors import Diagnostic

from worker.access import Access, connect_database
from worker.account import Row
from worker.ballot import Ballot
from worker.errors import ServiceError
from worker.letter import Letter, in_turn
from worker.poll import Poll
from worker.watchdog import watchdog

FROZEN_SECONDS = 8.0
# Below the watchdog's time: a connection that it cuts leaves its lock request with the server.
LOCK_SECONDS = 5

SAVE = """
SELECT store_votes(%s::text[], %s::text[], %s::bigint[], %s,
    %s::text[], %s::int8multirange[], %s::int8multirange[], %s::int8multirange[], %s::boolean[])
"""
# The row is changed even when it is there, so that this commit, too, waits for the standby.
BURY = """
WITH buried AS (
    INSERT INTO dead_letters (id, entry, reason, size, fields) VALUES {}
    ON CONFLICT (id) DO UPDATE SET reason = excluded.reason
)
SELECT set_config('vote_app.counted', 'on', true), note_dead(%s::text[], %s::integer[], %s::int8multirange[])
"""
PULSE = """
INSERT INTO pulse (at) VALUES (clock_timestamp())
ON CONFLICT (only_row) DO UPDATE SET at = excluded.at
"""
SAID = """
WITH said AS (
    INSERT INTO intake (word, at) VALUES (%(word)s, clock_timestamp())
    ON CONFLICT (only_row) DO UPDATE SET word = excluded.word, at = excluded.at
)
"""
# Of several in one batch, or delivered once more, each is one row.
SHOW = """
WITH outdated AS (
    DELETE FROM probe WHERE at < clock_timestamp() - interval '1 minute' AND id <> ALL (%(ids)s)
)
INSERT INTO probe (id, at) SELECT unnest(%(ids)s::text[]), clock_timestamp()
ON CONFLICT (id) DO UPDATE SET at = excluded.at
"""

POLL = """
SELECT revision, number, state, extract(epoch FROM closes)::float, EXISTS (SELECT FROM dead_letters),
       extract(epoch FROM clock_timestamp())::float
FROM poll
"""
OUTBID = "UPDATE poll SET revision = %s WHERE revision = %s"
OVER = "VP001"
"""What schema.sql raises where a poll takes no more votes."""
ENTER = """
UPDATE poll SET state = %s, closed = coalesce(closed, closes), revision = revision + 1 WHERE revision = %s
"""
CONFIGURE = """
UPDATE poll SET configured = %(at)s, revision = revision + 1,
    closes = CASE WHEN state = 'open' THEN %(at)s ELSE closes END,
    next_closes = CASE WHEN state <> 'open' THEN %(at)s END
WHERE configured IS DISTINCT FROM %(at)s::timestamptz
"""

log = structlog.get_logger()


Values = Sequence[object] | Mapping[str, object]


class StoreAwayError(ServiceError):
    """The database cannot be reached or cannot commit safely; the same batch can be tried again."""


class UnstorableError(ServiceError):
    """The database refuses something in the batch itself; trying again would not help."""


class OverError(ServiceError):
    """The poll that the votes are for takes no more of them; trying again would not help."""


class Store:
    """One connection to the database, made when it is needed and dropped at the first doubt.

    It makes the tables, unless it is told that the database has its schema: only their owner can make them.
    """

    def __init__(self, access: Access, *, has_schema: bool = False) -> None:
        self._access = access
        self._connection: psycopg.Connection | None = None
        self._has_schema = has_schema
        self._warnings: list[str] = []

    def save(self, ballots: Sequence[Ballot], poll: int, adds: Sequence[Row] = ()) -> None:
        """Return once every ballot, or a newer one of its voter, is committed and on a standby.

        Expects them sorted by voter, each voter once. What they add to the accounts is in the same commit.
        Raises StoreAwayError, UnstorableError, or OverError where that is not the number of the poll that
        there is.
        """
        self._commit(SAVE, [*columns(ballots, 3), poll, *columns(adds, 5)])

    def bury(self, letters: Sequence[Letter]) -> None:
        """Return once every letter is committed and on a standby.

        Raises StoreAwayError; UnstorableError only where somebody has changed the table.
        """
        kept = {letter.key: letter for letter in letters}
        rows = [
            (key, letter.entry, letter.reason.encode(errors="replace"), letter.size, in_turn(letter.fields))
            for key, letter in sorted(kept.items())
        ]
        statement = BURY.format(", ".join(["(%b, %b, %b, %s, %b)"] * len(rows)))
        numbered = [found for letter in kept.values() if (found := letter.numbers)]
        self._commit(statement, [*(value for row in rows for value in row), *columns(numbered, 3)])

    def show(self, probes: Collection[str]) -> None:
        """Return once test votes are committed as votes are, and those of before the last minute are gone.

        Raises StoreAwayError; UnstorableError only where somebody has changed the table.
        """
        self._commit(SHOW, {"ids": sorted(set(probes))})

    def pulse(self, intake: str | None = None) -> None:
        """Leave the time of a commit, for readers to see that commits are possible, and the tally of then.

        With it goes the word that says whether votes are taken, where it is known.
        """
        if intake is None:
            self._commit(PULSE)
        else:
            self._commit(SAID + PULSE, {"word": intake})

    def configure(self, closes: datetime | None) -> None:
        """Let the poll close when the settings say, if they say another time than before.

        Where the poll is over already, that is for the next one.
        """
        self._commit(CONFIGURE, {"at": closes})

    def poll(self) -> Poll:
        """Return the poll that there is; raise StoreAwayError."""
        (row,) = self._commit(POLL)
        return Poll(*row)

    def enter(self, poll: Poll, state: str) -> None:
        """Give a poll its next state, unless something of it has changed since; raise StoreAwayError."""
        self._commit(ENTER, (state, poll.revision))

    def outbid(self, poll: Poll, revision: int) -> None:
        """Let the database's word count again, where the queue knows a later one; raise StoreAwayError."""
        self._commit(OUTBID, (revision + 1, poll.revision))

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _commit(self, statement: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Execute and commit in one go, and return the rows, or raise and keep nothing of the connection.

        Only a refusal leaves it as it was: each statement is a transaction, and this one is over.
        """
        try:
            connection = self._connection or self._open()
            with watchdog(connection.fileno(), FROZEN_SECONDS):
                return self._execute(connection, statement, values)
        except (psycopg.Error, OSError, StoreAwayError) as error:
            self.close()
            if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedFunction):
                self._has_schema = False
            raise StoreAwayError(str(error).strip()) from error

    def _execute(
        self, connection: psycopg.Connection, statement: str, values: Values
    ) -> list[tuple[Any, ...]]:
        """Execute; a warning says that the commit's wait for the standby was cut short."""
        self._warnings.clear()
        try:
            cursor = connection.execute(statement.encode(), values)
            rows = cursor.fetchall() if cursor.description else []
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            raise UnstorableError(str(error).strip()) from error
        except psycopg.Error as error:
            if error.sqlstate == OVER:
                raise OverError(error.diag.message_primary) from error
            raise
        if self._warnings:
            raise StoreAwayError(f"commit is not on a standby: {self._warnings[0]}")
        return rows

    def _open(self) -> psycopg.Connection:
        connection = connect_database(self._access)
        self._connection = connection
        connection.add_notice_handler(self._note)
        with watchdog(connection.fileno(), FROZEN_SECONDS):
            connection.execute(f"SET synchronous_commit = on; SET lock_timeout = '{LOCK_SECONDS}s'")
            if not self._has_schema:
                self._apply_schema(connection)
        return connection

    def _apply_schema(self, connection: psycopg.Connection) -> None:
        """Send the file as one simple query, which is one transaction."""
        connection.execute((files("worker") / "schema.sql").read_bytes())
        self._has_schema = True
        log.info("schema applied")

    def _note(self, notice: Diagnostic) -> None:
        if notice.severity_nonlocalized == "WARNING":
            self._warnings.append(notice.message_primary or "")


def columns(rows: Sequence[Sequence[object]], width: int) -> list[list[object]]:
    """Return rows of so many values as columns."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]
