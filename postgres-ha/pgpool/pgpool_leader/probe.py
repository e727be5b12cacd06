"""A write through pgpool that leaves nothing behind."""

from concurrent.futures import Future, ThreadPoolExecutor

import psycopg

PERIOD_SECONDS = 3.0
TIMEOUT_SECONDS = 3


class Probe:
    """Try a write again and again, and count the failures since the last success."""

    def __init__(self, password: str) -> None:
        self._password = password
        self._pool = ThreadPoolExecutor(1)
        self._running: Future[bool] | None = None
        self._next = 0.0
        self.failures = 0

    def reset(self, now: float) -> None:
        """Begin to count anew, for a pgpool that has just started."""
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

    def _write(self) -> bool:
        try:
            with psycopg.connect(
                host="127.0.0.1", dbname="votes", user="pgpool", password=self._password,
                connect_timeout=TIMEOUT_SECONDS,
            ) as connection:  # fmt: skip
                connection.execute("INSERT INTO postgres_ha.probe DEFAULT VALUES")
                # Rolled back, so that it waits for no standby: this is a test of the way there.
                connection.rollback()
        except psycopg.Error:
            return False
        return True
