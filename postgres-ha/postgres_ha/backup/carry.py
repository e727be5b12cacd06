"""What goes from a copy to the live database: votes, and where the poll was lost, what belongs to it."""

from typing import Any, LiteralString

import psycopg
from psycopg import sql

from postgres_ha.backup.polls import Poll

OTHERS = ("poll", "archives", "accounts", "dead_letters")

_VOTES: LiteralString = "CREATE TABLE {mark}.copy (id text, vote text NOT NULL, version bigint NOT NULL)"
_INDEX: LiteralString = "ALTER TABLE {mark}.copy ADD PRIMARY KEY (id)"
_ALIKE: LiteralString = "CREATE TABLE {mark}.{table} (LIKE public.{table} INCLUDING DEFAULTS)"
_COLUMNS: LiteralString = """\
SELECT attname FROM pg_attribute
WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
_OUT: LiteralString = "COPY public.{table} ({columns}) TO STDOUT (FORMAT binary)"
_IN: LiteralString = "COPY {mark}.{table} ({columns}) FROM STDIN (FORMAT binary)"
_POLL: LiteralString = "SELECT number, state, opened FROM public.poll"

Connection = psycopg.Connection[Any]


def poll(copy: Connection) -> Poll | None:
    """Return the poll of a copy, None of a release that knew but one."""
    if not _columns(copy, "poll"):
        return None
    row = copy.execute(_POLL).fetchone()
    if row is None:
        return None
    number, state, opened = row
    return Poll(number, state, opened, 0)


def votes(copy: Connection, live: Connection, mark: str) -> None:
    """Carry the votes into a table of their own, within a transaction of the live one's."""
    live.execute(sql.SQL(_VOTES).format(mark=sql.Identifier(mark)))
    _carry(copy, live, mark, ("votes", "copy"), ["id", "vote", "version"])
    live.execute(sql.SQL(_INDEX).format(mark=sql.Identifier(mark)))


def others(copy: Connection, live: Connection, mark: str) -> None:
    """Carry what is around the votes, each into a table of its own; what a copy does not know stays empty."""
    for table in OTHERS:
        live.execute(sql.SQL(_ALIKE).format(mark=sql.Identifier(mark), table=sql.Identifier(table)))
        known = _columns(copy, table)
        columns = [name for name in _columns(live, table) if name in known]
        if columns:
            _carry(copy, live, mark, (table, table), columns)


def _carry(
    copy: Connection, live: Connection, mark: str, tables: tuple[str, str], columns: list[str]
) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    source, target = (sql.Identifier(table) for table in tables)
    out = sql.SQL(_OUT).format(table=source, columns=names)
    into = sql.SQL(_IN).format(mark=sql.Identifier(mark), table=target, columns=names)
    with copy.cursor().copy(out) as taken, live.cursor().copy(into) as given:
        for data in taken:
            given.write(data)


def _columns(connection: Connection, table: str) -> list[str]:
    return [name for (name,) in connection.execute(_COLUMNS, (f"public.{table}",)).fetchall()]
