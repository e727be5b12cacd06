"""Questions that are asked again and again, each by a thread of its own over a connection that it keeps."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, LiteralString, NamedTuple, TypeVar

import psycopg
from psycopg.rows import dict_row
from redis.exceptions import RedisError

from worker.access import Access, connect_database, connect_queue
from worker.watchdog import watchdog

EVERY_SECONDS = 1.0
NODE_SECONDS = 1.5
DATABASE_SECONDS = 2.5
# An answer is none when the next one is so late: whoever was asked since is silent.
LATE_SECONDS = 2.0
FRESH_SECONDS = EVERY_SECONDS + LATE_SECONDS
# Asked every second: however many there are, the answer must not take long.
LETTERS = "SELECT count(*) FROM (SELECT FROM dead_letters LIMIT 100000) AS letters"
# One row; the program that gets certificates makes this view.
CERTIFICATES = """
SELECT names, issuer, not_before, not_after, renew_at, problem, warning, next_try, caa
FROM certificates.status
"""
PULSE = "SELECT extract(epoch FROM clock_timestamp() - at)::float AS age FROM pulse"
POLL = "SELECT revision, number, state, closes, closed FROM poll"
SILENCE = (OSError, ValueError, RedisError, psycopg.Error, http.client.HTTPException)

T = TypeVar("T")


class Question:
    """One question; its answer is there to be read at any time and is never waited for."""

    def __init__(self, name: str, ask: Callable[[], Any], every: float = EVERY_SECONDS) -> None:
        self._ask, self._every = ask, every
        self._answered: tuple[float, Any] = (0.0, None)
        self._tried = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it still asks; only an error in the program ends it."""
        return self._thread.is_alive()

    def wait(self, seconds: float) -> None:
        """Wait for the end of the first attempt."""
        self._tried.wait(seconds)

    def answer(self) -> Any:
        """Return the latest answer, or None if the last attempt failed or has no end."""
        at, answer = self._answered
        return answer if time.monotonic() - at < self._every + LATE_SECONDS else None

    def _run(self) -> None:
        while True:
            began, pause = time.monotonic(), self._every
            try:
                self._answered = (began, self._ask())
            except SILENCE:
                self._answered, pause = (began, None), EVERY_SECONDS
            self._tried.set()
            time.sleep(max(0.0, began + pause - time.monotonic()))


def redis(access: Access, host: str, *commands: tuple[str, ...]) -> Callable[[], list[Any]]:
    """Ask a Redis for several things at once."""
    client: Any = connect_queue(access, host, NODE_SECONDS)
    # Everything as Redis answers it: redis-py's own reading varies by version.
    client.response_callbacks.clear()

    def ask() -> list[Any]:
        try:
            with client.pipeline(transaction=False) as pipeline:
                for command in commands:
                    pipeline.execute_command(*command)
                return list(pipeline.execute())
        except (RedisError, OSError):
            client.connection_pool.disconnect()
            raise

    return ask


class Stored(NamedTuple):
    """How many votes the database holds, by option key, and how many dead letters, counted up to a limit.

    Of the edges' certificate the row that its program keeps, None before there is one. Of the poll its row,
    None before a worker of a release that knows several has run.
    """

    tally: dict[str, int]
    letters: int
    certificates: dict[str, Any] | None = None
    poll: dict[str, Any] | None = None
    pulse_age: float | None = None
    """Seconds since a worker was last able to commit; None if none ever was."""


class Database:
    """Asks over one connection, made anew after any trouble; pgpool has few places."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._connection: psycopg.Connection | None = None
        self._turn = threading.Lock()

    def __call__(self) -> Stored:
        """Return what is stored."""
        return self.ask(self._stored)

    def ask(self, question: Callable[[psycopg.Connection], T]) -> T:
        """Return the answer to a question, when no other one is being asked."""
        with self._turn:
            return self._ask(question)

    def _ask(self, question: Callable[[psycopg.Connection], T]) -> T:
        if self._connection is None:
            self._connection = connect_database(self._access)
        try:
            with watchdog(self._connection.fileno(), DATABASE_SECONDS):
                return question(self._connection)
        except (psycopg.Error, OSError):
            with suppress(psycopg.Error, OSError):
                self._connection.close()
            self._connection = None
            raise

    def _stored(self, connection: psycopg.Connection) -> Stored:
        return Stored(
            self._tally(connection),
            self._letters(connection),
            self._row(connection, CERTIFICATES),
            self._row(connection, POLL),
            (self._row(connection, PULSE) or {}).get("age"),
        )

    @staticmethod
    def _tally(connection: psycopg.Connection) -> dict[str, int]:
        return dict(connection.execute("SELECT vote, count FROM tally ORDER BY vote").fetchall())

    @staticmethod
    def _letters(connection: psycopg.Connection) -> int:
        try:
            row = connection.execute(LETTERS).fetchone()
        except psycopg.errors.UndefinedTable:
            return 0  # No worker of this release has run yet.
        return int(row[0]) if row else 0

    @staticmethod
    def _row(connection: psycopg.Connection, question: LiteralString) -> dict[str, Any] | None:
        try:
            return connection.cursor(row_factory=dict_row).execute(question).fetchone()
        except psycopg.ProgrammingError:
            return None  # No program of this release has run yet.
