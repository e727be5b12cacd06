"""Watches the queue and the database from one manager: keeps the present picture, and logs its changes.

Usage: python -m worker.observer. The picture is one JSON object in /tmp/status.json, written every
second; what does not answer is null in it. Exit codes: 0 after SIGTERM; 1 a probe ended, which is an
error in the program; 2 a setting is missing or malformed.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import structlog

from worker import history, logs, probe, stream
from worker import settings as configuration
from worker.__main__ import stop_on_signal
from worker.probe import Probe, Stored
from worker.settings import Settings
from worker.status import (
    Picture,
    summarize_postgres,
    summarize_queue,
    summarize_redis,
    summarize_votes,
    waiting_seconds,
)

STATUS_FILE = Path("/tmp/status.json")  # noqa: S108
EVERY_SECONDS = 1.0

log = structlog.get_logger()


class Observer:
    """Asks every part over a connection of its own; who is silent holds nobody up."""

    def __init__(self, settings: Settings) -> None:
        access = settings.access
        self._agents = {node: Probe(node, probe.agent(node)) for node in settings.postgres_nodes}
        self._roles = {
            node: Probe(node, probe.redis(access, node, ("ROLE",))) for node in settings.redis_nodes
        }
        queue = (
            ("XLEN", stream.STREAM),
            ("XLEN", stream.DEAD),
            ("XRANGE", stream.STREAM, "-", "+", "COUNT", "1"),
        )
        self._queue = Probe("queue", probe.redis(access, access.redis_host, *queue))
        self._database = Probe("database", probe.Database(access))

    @property
    def probes(self) -> list[Probe]:
        """All that are asking."""
        return [*self._agents.values(), *self._roles.values(), self._queue, self._database]

    def gather(self, before: Picture | None, now: float) -> dict[str, Any]:
        """Put the latest answers together; never waits."""
        states = {node: answer for node, each in self._agents.items() if (answer := each.answer())}
        roles = {node: answer[0] for node, each in self._roles.items() if (answer := each.answer())}
        stored: Stored | None = self._database.answer()
        queue = summarize_queue(self._queue.answer(), stored.letters if stored else None)
        return {
            "at": now,
            "postgres": summarize_postgres(states),
            "redis": summarize_redis(roles),
            "queue": {**queue, "waiting_seconds": waiting_seconds(before, queue, now)},
            "votes": summarize_votes(stored.tally if stored else None),
        }


def write(picture: Picture, path: Path) -> None:
    """Replace the file by the picture; a reader sees the old one or the new one, whole."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(picture))
    fresh.replace(path)


def main() -> None:
    """Watch until SIGTERM."""
    logs.configure()
    observer = Observer(configuration.load())
    stop = stop_on_signal()
    for each in observer.probes:
        each.wait(probe.FRESH_SECONDS / len(observer.probes))
    picture = None
    while True:
        before, picture = picture, observer.gather(picture, time.time())
        write(picture, STATUS_FILE)
        for line in history.changes(before, picture):
            (log.warning if line.bad else log.info)(line.text)
        if not all(each.alive for each in observer.probes):
            sys.exit("ERROR: a probe has ended; its traceback is above")
        if stop.wait(EVERY_SECONDS):
            return


if __name__ == "__main__":
    main()
