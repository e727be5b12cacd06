"""A vote as it travels, and the version that makes every repetition of it harmless."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple


class Ballot(NamedTuple):
    """One voter's choice; of two ballots of one voter the higher version counts."""

    voter: str
    choice: str
    version: int

    def fields(self) -> tuple[str, str, str, str, str, int]:
        """Return the stream entry: names and values in turn."""
        return ("id", self.voter, "vote", self.choice, "version", self.version)


def wall_milliseconds() -> int:
    """Return the wall clock in milliseconds."""
    return time.time_ns() // 1_000_000


class VersionClock:
    """Milliseconds of the wall clock, made strictly increasing within the process."""

    def __init__(self, now: Callable[[], int] = wall_milliseconds) -> None:
        self._now = now
        self._last = 0
        self._lock = threading.Lock()

    def next(self) -> int:
        """Return a version higher than every one before, also when the clock stands or falls."""
        with self._lock:
            self._last = max(self._now(), self._last + 1)
            return self._last
