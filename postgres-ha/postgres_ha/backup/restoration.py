"""A restoration: the votes of a moment take the place of those that are there, which are kept beside them.

All of it is in a schema of the live database with a name of its own, the mark: the copy, the votes as they
were, those of them that are newer, and a note of how far it is. So it goes on wherever it was interrupted.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from postgres_ha.backup import carry, drill, polls, room, swap, verdict
from postgres_ha.backup.drill import Places, Say, Source
from postgres_ha.backup.live import Live, LiveError, needed
from postgres_ha.backup.polls import Poll
from postgres_ha.backup.scratch import Scratch
from postgres_ha.backup.verdict import BadError, BusyError, Copy, UnreachedError

POLL_SECONDS = 1.0
# A worker finds out within half a minute that its tables are gone, and makes them anew.
TABLES, TABLES_SECONDS = ("votes", "poll", "archives"), 120.0
# Of the last minute WAL may still be on its way to the store.
STORED_SECONDS = 180.0

_SCHEMA: LiteralString = """\
CREATE SCHEMA {mark};
CREATE TABLE {mark}.note (
    label text NOT NULL, moment timestamptz NOT NULL, rows bigint NOT NULL, votes jsonb NOT NULL,
    hash numeric NOT NULL, anew boolean NOT NULL, poll integer NOT NULL, opened timestamptz NOT NULL,
    swapped timestamptz, later bigint, later_versions numeric, ended timestamptz
)
"""
_HASH: LiteralString = """\
SELECT count(*), coalesce(sum(public.vote_hash(id, vote, version)), 0) FROM {mark}.copy
"""
_NOTE: LiteralString = """\
INSERT INTO {mark}.note (label, moment, rows, votes, hash, anew, poll, opened)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
_STATE: LiteralString = "SELECT * FROM {mark}.note"
_EXISTS: LiteralString = "SELECT to_regclass(%s) IS NOT NULL"
_SIZE: LiteralString = "SELECT coalesce(pg_total_relation_size(to_regclass(%s)), 0)"
_POLL: LiteralString = """\
SELECT number, state, opened, (SELECT count(*) FROM public.archives) FROM public.poll
"""
_LATER: LiteralString = "SELECT id, vote, version, restored FROM {mark}.later"
_COUNTED: LiteralString = """\
SELECT (SELECT count(*) FROM public.votes) AS rows,
    (SELECT coalesce(sum(count), 0)::bigint FROM public.tally) AS tally,
    count(*) AS later, coalesce(sum(version), 0) AS later_versions
FROM ({later}) AS newer
"""
_CHECK: LiteralString = """\
SELECT (SELECT count(*) FROM public.votes) AS rows,
    (SELECT coalesce(sum(count), 0)::bigint FROM public.tally) AS tally,
    (SELECT number FROM public.poll) AS poll,
    (SELECT count(*) FROM ({newer}) AS newer) AS newer,
    (SELECT count(*) FROM {mark}.copy AS c LEFT JOIN public.votes AS v USING (id)
     WHERE v.id IS NULL OR v.version < c.version OR (v.version = c.version AND v.vote <> c.vote)) AS lacking
"""
_END: LiteralString = """\
DROP TABLE IF EXISTS {mark}.copy, {mark}.poll, {mark}.archives, {mark}.accounts, {mark}.dead_letters;
UPDATE {mark}.note SET ended = coalesce(ended, clock_timestamp())
"""

Connection = psycopg.Connection[Any]
Row = dict[str, Any]


@dataclass(frozen=True)
class Restoration:
    """What is wanted, and where it is done: a label or a moment; without either the last one in the store."""

    mark: str
    label: str
    to: datetime | None
    places: Places
    live: Live

    def possible(self) -> Row:
        """Return what would be restored; raise a ServiceError or psycopg.Error where it could not be.

        Nothing is changed. What is found out only with the copy is not looked at here.
        """
        with self.live.connected() as connection:
            if state := self._state(connection):
                return state
            if not _absent(connection):
                polls.require_unarchived(_poll(connection))
            votes = _value(connection, _SIZE, "public.votes")
        source = self._choose()
        verdict.require_room(source.backup, room.look(self.places.scratch))
        self.live.require_room(needed(source.backup.size, votes, brought=False))
        return {"label": source.backup.label}

    def state(self) -> Row | None:
        """Return how far it is, None before the copy is there."""
        with self.live.connected() as connection:
            return self._state(connection)

    def bring(self, say: Say) -> Row:
        """Have a copy of that moment beside the votes that are there; again, nothing is done."""
        while True:
            if state := self.state():
                return state
            try:
                with Scratch(self.places.scratch, self.places.conf) as scratch:
                    self._bring(scratch, say)
            except BusyError:
                _rest(say, "waiting for a drill that is at work, or for what was interrupted")
            except UnreachedError:
                if self.to is None or (datetime.now(UTC) - self.to).total_seconds() > STORED_SECONDS:
                    raise
                _rest(say, "waiting until the WAL of that moment is stored")

    def later(self) -> Iterator[Row]:
        """Yield the votes that are newer than the copy, with what the copy has of that voter."""
        with self.live.connected() as connection, connection.transaction():
            cursor = psycopg.ServerCursor(connection, "later", row_factory=dict_row)
            cursor.execute(self._sql(self._newer(connection)))
            yield from cursor

    def count(self) -> Row:
        """Return how many votes there are, by rows and by the tally, and how many are newer than the copy."""
        with self.live.connected() as connection:
            newer = self._sql(self._newer(connection))
            return self._row(connection, _COUNTED, later=newer)

    def swap(self, say: Say) -> Row:
        """Let the copy take the place of the votes, in one transaction; again, nothing is done."""
        with self.live.connected() as connection:
            _wait_for_tables(connection, say)
            copy, votes = (
                _value(connection, _SIZE, table) for table in (f"{self.mark}.copy", "public.votes")
            )
            self.live.require_room(needed(copy, votes, brought=True))
            say("bringing the votes into their place; nobody stores any meanwhile")
            connection.execute(self._sql(swap.SWAP, newer=self._sql(swap.NEWER)))
        return self.state() or {}

    def check(self) -> Row:
        """Return how many votes of which poll there are, how many are newer than the copy, and lacking."""
        with self.live.connected() as connection:
            return self._row(connection, _CHECK, newer=self._sql(swap.NEWER))

    def end(self) -> Row:
        """Remove the copy, whose votes are in their place; what was there before is kept."""
        with self.live.connected() as connection:
            if self._state(connection):
                connection.execute(self._sql(_END))
        return self.state() or {}

    def _choose(self) -> Source:
        return drill.choose(self.places, self.label, self.to, at_once=bool(self.label))

    def _bring(self, scratch: Scratch, say: Say) -> None:
        source = self._choose()
        drill.restore(self.places, scratch, source, say)
        copy = drill.examine(scratch)
        if wrong := verdict.differences(copy):
            raise BadError("; ".join(wrong))
        moment = datetime.fromtimestamp(drill.moment_of(copy, source), UTC)
        say(f"bringing {copy.rows:,} votes of {moment:%Y-%m-%d %H:%M:%S} beside those that are there")
        with scratch.connect() as found, self.live.connected() as live:
            _wait_for_tables(live, say)
            poll = _poll(live)
            anew = polls.made_anew(poll, carry.poll(found), moment)
            with live.transaction():
                live.execute(self._sql(_SCHEMA))
                carry.votes(found, live, self.mark)
                if anew:
                    carry.others(found, live, self.mark)
                hashed = self._require_whole(live, copy)
                counted = Jsonb(dict(copy.counted))
                values = (source.backup.label, moment, copy.rows, counted, hashed, anew)
                live.execute(self._sql(_NOTE), (*values, poll.number, poll.opened))
        drill.note_restored(self.places, source.backup.label)

    def _require_whole(self, live: Connection, copy: Copy) -> Decimal:
        """Return the fingerprint of the votes that were carried; raise LiveError where it is another."""
        count, hashed = live.execute(self._sql(_HASH)).fetchone() or (0, Decimal(0))
        if count != copy.rows or (copy.fingerprint is not None and hashed != copy.hash):
            raise LiveError("what arrived is not what the copy holds")
        return Decimal(hashed)

    def _state(self, connection: Connection) -> Row | None:
        if not _value(connection, _EXISTS, f"{self.mark}.note"):
            return None
        return self._row(connection, _STATE)

    def _newer(self, connection: Connection) -> LiteralString:
        """Return the query of the newer votes: of those that are there, after the swap of those that were."""
        return _LATER if _value(connection, _EXISTS, f"{self.mark}.later") else swap.NEWER

    def _row(self, connection: Connection, query: LiteralString, **parts: sql.Composable) -> Row:
        cursor = connection.cursor(row_factory=dict_row).execute(self._sql(query, **parts))
        return {name: plain(value) for name, value in (cursor.fetchone() or {}).items()}

    def _sql(self, query: LiteralString, **parts: sql.Composable) -> sql.Composed:
        return sql.SQL(query).format(mark=sql.Identifier(self.mark), **parts)


def plain(value: Any) -> Any:
    """Return a value of the database as JSON has it: a time as ISO 8601, a large number as text."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _poll(connection: Connection) -> Poll:
    row = connection.execute(_POLL).fetchone()
    if row is None:
        raise LiveError("the database has no poll")
    return Poll(*row)


def _wait_for_tables(connection: Connection, say: Say) -> None:
    """Wait until the tables are there; raise LiveError where no worker makes them."""
    deadline = time.monotonic() + TABLES_SECONDS
    while absent := _absent(connection):
        if time.monotonic() > deadline:
            raise LiveError(f"there is no table {absent[0]}, and no worker makes one: restart `worker`")
        _rest(say, f"waiting for a worker to make the table {absent[0]}")


def _absent(connection: Connection) -> list[str]:
    return [name for name in TABLES if not _value(connection, _EXISTS, f"public.{name}")]


def _rest(say: Say, why: str) -> None:
    say(why)
    time.sleep(POLL_SECONDS)


def _value(connection: Connection, query: LiteralString, *values: str) -> Any:
    row = connection.execute(query, values).fetchone()
    return row[0] if row else None
