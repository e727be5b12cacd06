"""A write through pgpool that leaves nothing behind, tried again and again."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import psycopg

from pgpool_leader import pgpool_config
from pgpool_leader.login import login

PERIOD_SECONDS = 3.0
CONNECT_SECONDS = 3


class Probe:
    """Count the failed writes since the last success; one that hangs is a failure each period."""

    def __init__(self, write: Callable[[], bool]) -> None:
        self._write = write
        self._pool = ThreadPoolExecutor(1)
        self._running: Future[bool] | None = None
        self._next = 0.0
        self.failures = 0

    def reset(self, now: float) -> None:
        """Begin to count anew, for a pgpool that has just started."""
        # What still hangs in the one before it must not hold up the next attempt.
        self._pool.shutdown(wait=False)
        self._pool = ThreadPoolExecutor(1)
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


def write(passwords: Sequence[str]) -> bool:
    """Return whether a row can be written; it is rolled back, so no standby is waited for."""
    connect = partial(
        psycopg.connect,
        host=pgpool_config.NAME, hostaddr="127.0.0.1", port=pgpool_config.PORT,
        dbname="votes", user="pgpool", connect_timeout=CONNECT_SECONDS,
    )  # fmt: skip
    try:
        with login(passwords, lambda password: connect(password=password)) as connection:
            connection.execute("INSERT INTO postgres_ha.probe DEFAULT VALUES")
            connection.rollback()
    except psycopg.Error:
        return False
    return True
