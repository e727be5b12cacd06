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


def version_of(arrived: int, seen: int, chosen: int | None) -> int:
    """Return the version of a vote; all are milliseconds of the service's clock.

    The moment at which the voter had `chosen` counts where the page told it, since a request can be on
    its way for long: in a process that hangs, or behind a cut network. It is believed if it lies after
    the last vote that the voter had `seen` recorded, and not in the future. Whatever the clocks say, the
    version is above `seen`.
    """
    if chosen is not None and seen < chosen <= arrived:
        return chosen
    return max(arrived, seen + 1)


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
