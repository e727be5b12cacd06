"""A small load that writes rows, usually through pgpool, and remembers which commits were acknowledged."""

import itertools
import threading
import time
import uuid
from types import TracebackType
from typing import Any

import psycopg

from kit.postgres_cluster import PostgresCluster
from kit.waiting import wait_until

TABLE = "CREATE TABLE IF NOT EXISTS ledger (id text PRIMARY KEY)"
WRITERS = 4
PAUSE_SECONDS = 0.03


class Load:
    """Write until the block ends; each writer opens a new connection to the host after any error."""

    def __init__(self, cluster: PostgresCluster, host: str = "pgpool") -> None:
        self._cluster = cluster
        self._host = host
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._write, daemon=True) for _ in range(WRITERS)]
        self.acknowledged: dict[str, float] = {}

    def __enter__(self) -> "Load":
        with self._cluster.connect("worker") as connection:
            connection.execute(TABLE)
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(10)

    def wait_for_more(self, commits: int) -> None:
        """Return when so many more commits are acknowledged."""
        enough = len(self.acknowledged) + commits
        wait_until(lambda: len(self.acknowledged) >= enough, 30, lambda: "too few commits")

    def longest_gap(self, since: float) -> float:
        """Return the most seconds between two acknowledgements after a moment."""
        times = [since, *sorted(t for t in list(self.acknowledged.values()) if t > since)]
        return max((later - earlier for earlier, later in itertools.pairwise(times)), default=0.0)

    def lost(self) -> set[str]:
        """Return the acknowledged rows that the primary does not hold."""
        with self._cluster.connect("worker", self._cluster.primary_name()) as connection:
            stored = {row[0] for row in connection.execute("SELECT id FROM ledger")}
        return set(self.acknowledged) - stored

    def _write(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._cluster.connect("worker", self._host, seconds=2) as connection:
                    self._write_on(connection)
            except psycopg.Error:
                self._stopping.wait(0.2)

    def _write_on(self, connection: Any) -> None:
        warnings: list[str] = []
        connection.add_notice_handler(lambda notice: warnings.append(str(notice.message_primary)))
        while not self._stopping.is_set():
            row = uuid.uuid4().hex
            connection.execute("INSERT INTO ledger VALUES (%s)", (row,))
            if warnings:
                raise psycopg.OperationalError(f"committed, but not on a standby: {warnings}")
            self.acknowledged[row] = time.monotonic()
            self._stopping.wait(PAUSE_SECONDS)
