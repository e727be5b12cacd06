"""The drill that is made by itself, in a process of its own: the runner goes on, whatever becomes of it."""

import subprocess
import time
from datetime import datetime
from pathlib import Path

import structlog

from postgres_ha import child
from postgres_ha.backup import notes, verdict

log = structlog.get_logger()

STOP_SECONDS = 5.0


class Drills:
    """Begin a drill when one is due."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._process: subprocess.Popen[bytes] | None = None
        self._not_before = float("-inf")

    def keep(self, newest: datetime) -> None:
        """Look whether one is due, unless one is at work; the newest backup was complete then."""
        if self._process is not None and self._process.poll() is not None:
            log.info("drill ended", code=self._process.returncode)
            self._process = None
        if self._process is None and time.monotonic() >= self._not_before:
            self._begin_if_due(newest)

    def stop(self) -> None:
        """End the one that is at work; it tells nothing."""
        if self._process is not None:
            child.end(self._process, STOP_SECONDS)

    def _begin_if_due(self, newest: datetime) -> None:
        if verdict.is_due(notes.read(self._state, notes.DRILL), time.time(), newest):
            # One that is killed leaves no note.
            self._not_before = time.monotonic() + verdict.RETRY_SECONDS
            log.info("drill begins")
            self._process = subprocess.Popen(["postgres-ha", "backup", "drill"])
