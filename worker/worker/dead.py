"""Shows, exports, replays and deletes the dead letters.

Usage: python -m worker.dead list [--limit N]           what there is, the latest letters first
       python -m worker.dead export                     each letter as a line, its bytes in base64
       python -m worker.dead replay                     reads all once more: what is a vote now is stored
       python -m worker.dead purge --until T --seal S   deletes for good what `list` has counted

Prints JSON. Exit codes: 0 done; 1 refused, or the database is away; 2 wrong usage, or a setting is missing
or malformed.
"""

from __future__ import annotations

import argparse
import json
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import class_row

from worker import logs, settings
from worker.access import Access, connect_database
from worker.ballot import Entry, open_entry
from worker.letter import PARCEL_BYTES, Letter, paired
from worker.settle import Save, store_batch
from worker.store import Store, StoreAwayError, UnstorableError
from worker.watchdog import watchdog

PAGE_LETTERS = 500
SHOWN_BYTES = 100
SHOWN_LETTERS = 20
# Long enough for a hundred thousand letters; a frozen server still holds nobody up for ever.
LONGEST_SECONDS = 60.0

# The seal is of those letters and no others: two reigns' clocks may differ, so a time alone is not enough.
SEAL = "count(*), coalesce(bit_xor(('x' || encode(substring(id FOR 8), 'hex'))::bit(64)::bigint), 0)::text"
COUNT = f"SELECT {SEAL}, now() FROM dead_letters WHERE at <= now()"  # noqa: S608
PURGE = f"WITH gone AS (DELETE FROM dead_letters WHERE at <= %s RETURNING id) SELECT {SEAL} FROM gone"  # noqa: S608
LATEST = """
SELECT at, entry, reason, size, ARRAY(
    SELECT substring(whole FOR %s)
    FROM unnest(fields[1:8]) WITH ORDINALITY AS part (whole, place) ORDER BY place
) AS fields
FROM dead_letters ORDER BY at DESC, id LIMIT %s
"""
PAGE = """
SELECT at, entry, reason, size, fields FROM (
    SELECT *, sum(size) OVER (ORDER BY id) - size AS before
    FROM dead_letters WHERE id > %s ORDER BY id LIMIT %s
) AS page WHERE before < %s ORDER BY id
"""
REMOVE = "DELETE FROM dead_letters WHERE id = ANY(%s)"


class Kept(NamedTuple):
    """A letter as the database has it; of one that is only listed the fields are cut short."""

    at: datetime
    entry: bytes
    reason: bytes
    size: int
    fields: list[bytes]

    @property
    def letter(self) -> Letter:
        """The letter, where its fields are whole."""
        return Letter(self.entry, paired(self.fields), _text(self.reason))

    def line(self) -> dict[str, Any]:
        """Return it as it is listed: no byte of it can do harm to a terminal."""
        begins = b" ".join(self.fields)[:SHOWN_BYTES]
        return self._head() | {"bytes": self.size, "begins": ascii(begins)[2:-1]}

    def export(self) -> dict[str, Any]:
        """Return it whole, names and values in turn."""
        return self._head() | {"fields": [b64encode(text).decode() for text in self.fields]}

    def _head(self) -> dict[str, Any]:
        reason = "".join(c if c.isprintable() else "\ufffd" for c in _text(self.reason))
        head = {"entry": ascii(self.entry)[2:-1], "reason": reason}
        return {"at": self.at.isoformat(timespec="seconds")} | head


class Letters:
    """The dead letters of the database."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def listing(self, limit: int) -> dict[str, Any]:
        """Return how many there are, what `purge` has to be told to delete them, and the latest."""
        ((count, seal, until),) = self._ask(COUNT)
        latest = self._kept(LATEST, SHOWN_BYTES, limit)
        lines = [kept.line() for kept in latest]
        return {"count": count, "seal": seal, "until": until.isoformat(), "letters": lines}

    def pages(self) -> Iterator[list[Kept]]:
        """Yield all letters, in parts of about a megabyte at most, or of one."""
        last = b""
        while page := self._kept(PAGE, last, PAGE_LETTERS, PARCEL_BYTES):
            last = page[-1].letter.key
            yield page

    def remove(self, keys: Sequence[bytes]) -> None:
        """Delete letters that are stored as votes now."""
        with self._watched():
            self._connection.execute(REMOVE, [list(keys)])

    def purge(self, until: datetime, seal: str) -> int | None:
        """Delete exactly what `listing` had counted, and return the number.

        Where something was added or removed since, nothing is deleted, and None returned.
        """
        with self._watched(), self._connection.transaction() as transaction:
            ((count, present),) = self._connection.execute(PURGE.encode(), [until]).fetchall()
            if present == seal:
                return int(count)
            raise psycopg.Rollback(transaction)
        return None

    def _ask(self, question: str) -> list[tuple[Any, ...]]:
        with self._watched():
            return self._connection.execute(question.encode()).fetchall()

    def _kept(self, question: str, *values: object) -> list[Kept]:
        with self._watched(), self._connection.cursor(row_factory=class_row(Kept)) as cursor:
            return cursor.execute(question.encode(), values).fetchall()

    def _watched(self) -> AbstractContextManager[None]:
        return watchdog(self._connection.fileno(), LONGEST_SECONDS)


def replay(letters: Letters, save: Save, bury: Callable[[Sequence[Letter]], None]) -> dict[str, int]:
    """Read all letters as a worker reads entries; those that are votes now become votes, the others stay.

    A vote is committed before its letter is removed. What is stored by then is an older vote of its voter
    or a newer one: the version decides, as ever.
    """
    stored = left = 0
    for page in letters.pages():
        by_key = {kept.letter.key: kept.letter for kept in page}
        contents = [open_entry(Entry(key, letter.fields)) for key, letter in by_key.items()]
        good, poison = store_batch(contents, save)
        letters.remove(good)
        if poison:
            bury([by_key[key]._replace(reason=bad[0].reason) for key, bad in poison.items()])
        stored, left = stored + len(good), left + len(poison)
    return {"stored": stored, "left": left}


def main() -> None:
    """Carry out one verb."""
    arguments = _parser().parse_args()
    logs.configure(sys.stderr)
    access = settings.load().access
    try:
        succeeded = _run(arguments, access)
    except (psycopg.Error, OSError, StoreAwayError, UnstorableError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        sys.exit(f"the database did not answer: {lines[0]}")
    if not succeeded:
        sys.exit("letters were added or removed since they were listed; nothing was deleted")


def _run(arguments: argparse.Namespace, access: Access) -> bool:
    with connect_database(access) as connection:
        letters = Letters(connection)
        match arguments.verb:
            case "list":
                _say(letters.listing(arguments.limit))
            case "export":
                for page in letters.pages():
                    for kept in page:
                        _say(kept.export())
            case "replay":
                _say(_replayed(letters, Store(access, has_schema=True)))
            case "purge":
                deleted = letters.purge(arguments.until, arguments.seal)
                if deleted is None:
                    return False
                _say({"deleted": deleted})
    return True


def _replayed(letters: Letters, into: Store) -> Mapping[str, int]:
    try:
        return replay(letters, into.save, into.bury)
    finally:
        into.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m worker.dead")
    verbs = parser.add_subparsers(dest="verb", required=True)
    listing, purge = verbs.add_parser("list"), verbs.add_parser("purge")
    listing.add_argument("--limit", type=int, default=SHOWN_LETTERS)
    purge.add_argument("--until", type=datetime.fromisoformat, required=True)
    purge.add_argument("--seal", required=True)
    for verb in ("export", "replay"):
        verbs.add_parser(verb)
    return parser


def _say(what: Mapping[str, Any]) -> None:
    print(json.dumps(what))


def _text(text: bytes) -> str:
    return text.decode(errors="replace")


if __name__ == "__main__":
    main()
