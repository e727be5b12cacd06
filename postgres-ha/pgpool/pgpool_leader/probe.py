"""A write through pgpool that leaves nothing behind, tried again and again."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol

import psycopg

from pgpool_leader import pgpool_config
from pgpool_leader.login import login

PERIOD_SECONDS = 3.0
CONNECT_SECONDS = 3
# To connect takes pgpool, its server and this program twenty times the work of a write. For half a minute.
WRITES_OF_A_CONNECTION = 10


class Write(Protocol):
    """An attempt to write, over a connection of its own."""

    def __call__(self) -> bool:
        """Return whether a row can be written."""

    def close(self) -> None:
        """Give the connection back."""


class Probe:
    """Count the failed writes since the last success; one that hangs is a failure each period."""

    def __init__(self, make: Callable[[], Write]) -> None:
        self._make = make
        self._write = make()
        self._pool = ThreadPoolExecutor(1)
        self._running: Future[bool] | None = None
        self._next = 0.0
        self.failures = 0

    def reset(self, now: float) -> None:
        """Begin to count anew, for a pgpool that has just started."""
        # What still hangs in the one before it must not hold up the next attempt.
        self._pool.submit(self._write.close)
        self._pool.shutdown(wait=False)
        self._pool, self._write = ThreadPoolExecutor(1), self._make()
        self._running, self.failures = None, 0
        self._next = now + PERIOD_SECONDS

    def tick(self, now: float) -> None:
        """Look after the running attempt and begin the next one when it is due."""
        if now < self._next:
            return
        self._next = now + PERIOD_SECONDS
        if self._running is not None:
            succeeded = self._running.done() and self._running.result()
            self.failures = 0 if succeeded else self.failures + 1
        if self._running is None or self._running.done():
            self._running = self._pool.submit(self._write)


class Writer:
    """Write through pgpool, over a connection that is kept for some writes."""

    def __init__(self, passwords: Sequence[str]) -> None:
        self._connect = partial(
            psycopg.connect,
            host=pgpool_config.NAME, hostaddr="127.0.0.1", port=pgpool_config.PORT,
            dbname="votes", user="pgpool", connect_timeout=CONNECT_SECONDS, prepare_threshold=None,
        )  # fmt: skip
        self._passwords = passwords
        self._connection: psycopg.Connection[Any] | None = None
        self._writes = 0

    def __call__(self) -> bool:
        """Return whether a row can be written; it is rolled back, so no standby is waited for."""
        try:
            connection = self._connected()
            connection.execute("INSERT INTO postgres_ha.probe DEFAULT VALUES")
            connection.rollback()
        except psycopg.Error:
            self.close()
            return False
        self._writes += 1
        if self._writes == WRITES_OF_A_CONNECTION:
            self.close()
        return True

    def close(self) -> None:
        """Give the connection back, if there is one."""
        if self._connection:
            self._connection.close()
        self._connection, self._writes = None, 0

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None:
            self._connection = login(self._passwords, lambda password: self._connect(password=password))
        return self._connection
