"""Shows and changes the poll: `python -m observer.poll show|close|open|archive|begin [NUMBER] [--told JSON]`.

Each change names the number of the poll that is meant, and changes nothing if there is another by now, or if
it is not in the state for it; `archive` is told what else stands in the document. Prints one JSON object: the
poll, and the archives. Exit codes: 0 done or nothing to do; 1 refused, or the database is away; 2 it was not
asked for like this.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from observer import settings
from worker.access import connect_database
from worker.watchdog import watchdog

FROZEN_SECONDS = 8.0
# Below that: a lock that nobody waits for any more would hold up every worker.
LOCK_SECONDS = 5
SHOW = "SELECT revision, number, state, opened, closes, closed FROM poll"
ARCHIVES = "SELECT number, at, document, checksum FROM archives ORDER BY number"
TALLY = "SELECT vote, count FROM tally ORDER BY vote"
CHANGES = {
    "close": "SELECT close_poll(%s)",
    "open": "SELECT open_poll(%s)",
    "begin": "SELECT begin_poll(%s)",
}
ARCHIVE = "SELECT archive_poll(%s, %s::jsonb, %s)"


def document(poll: Mapping[str, Any], tally: Mapping[str, int], told: Mapping[str, Any], at: datetime) -> str:
    """Return the numbers of a poll that is over, as the JSON text that is kept; a time is ISO 8601 in UTC.

    Of the options that are told, by key and in order, there is a name; others may have votes, too.
    """
    names = told["options"]
    keys = [*names, *sorted(tally.keys() - names.keys())]
    content = {
        "poll": poll["number"],
        "title": told["title"],
        "question": told["question"],
        "options": [{"key": key, "name": names.get(key), "votes": tally.get(key, 0)} for key in keys],
        "total": sum(tally.values()),
        "opened": moment(poll["opened"]),
        "closed": moment(poll["closed"]),
        "archived": moment(at),
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def moment(value: Any) -> Any:
    """Return a time as text, and all else as it is."""
    return value.astimezone(UTC).isoformat(timespec="seconds") if isinstance(value, datetime) else value


def _change(connection: psycopg.Connection, verb: str, number: int, told: Mapping[str, Any]) -> None:
    """Change the poll, and return once a standby has the change."""
    warnings: list[str] = []
    connection.add_notice_handler(lambda notice: warnings.append(notice.message_primary or ""))
    connection.execute(f"SET synchronous_commit = on; SET lock_timeout = '{LOCK_SECONDS}s'".encode())
    if verb == "archive":
        _archive(connection, number, told)
    else:
        connection.execute(CHANGES[verb].encode(), [number])
    if warnings:
        sys.exit(f"it is not certain: {warnings[0]}")


def _archive(connection: psycopg.Connection, number: int, told: Mapping[str, Any]) -> None:
    poll = connection.cursor(row_factory=dict_row).execute(SHOW).fetchone() or {}
    if poll["number"] != number or poll["state"] != "final":
        return
    tally: dict[str, int] = dict(connection.execute(TALLY).fetchall())
    text = document(poll, tally, told, datetime.now(UTC))
    connection.execute(ARCHIVE, (number, json.dumps(tally), text))


def _shown(connection: psycopg.Connection) -> dict[str, Any]:
    cursor = connection.cursor(row_factory=dict_row)
    poll = cursor.execute(SHOW).fetchone() or {}
    archives = cursor.execute(ARCHIVES).fetchall()
    shown = {name: moment(value) for name, value in poll.items()}
    return {**shown, "archives": [{k: moment(v) for k, v in each.items()} for each in archives]}


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m observer.poll")
    parser.add_argument("verb", choices=("show", "archive", *CHANGES))
    parser.add_argument("number", type=int, nargs="?", default=0)
    parser.add_argument("--told", type=json.loads, help="title, question, options by key")
    arguments = parser.parse_args()
    if arguments.verb == "archive" and not arguments.told:
        parser.error("archive needs --told")
    try:
        access = settings.load().access
        with connect_database(access) as connection, watchdog(connection.fileno(), FROZEN_SECONDS):
            if arguments.verb != "show":
                _change(connection, arguments.verb, arguments.number, arguments.told)
            shown = _shown(connection)
        print(json.dumps(shown))
    except psycopg.Error as error:
        lines = (error.diag.message_primary or str(error)).strip().splitlines() or [type(error).__name__]
        sys.exit(lines[0])
    except OSError as error:
        sys.exit(f"the database did not answer: {error}")


if __name__ == "__main__":
    main()
