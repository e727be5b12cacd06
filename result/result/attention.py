"""Whether anybody looks: the tally is read often while somebody does, and seldom while nobody does."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event

WATCHED_SECONDS = 0.04
UNWATCHED_SECONDS = 1.0
# Who has loaded a page comes back within that, by a connection of its own.
LASTING_SECONDS = 10.0
# A database that does not answer must not hold the page.
FRESH_SECONDS = 0.5


class Attention:
    """The pause between two readings. Whoever comes ends a long one, and waits for the next reading."""

    def __init__(self, watched: Callable[[], bool]) -> None:
        self._watched = watched
        self._until = 0.0
        self._resting = False
        self._came, self._read = Event(), Event()
        self._read.set()

    def come(self) -> None:
        """Take notice of somebody who looks: what is known is of now afterwards, if it can be read."""
        self._until = time.monotonic() + LASTING_SECONDS
        if self._resting:
            self._resting = False
            self._read.clear()
            self._came.set()
        self._read.wait(FRESH_SECONDS)

    def rest(self) -> None:
        """Take notice of a reading, and wait until the next one is due."""
        self._read.set()
        self._resting = not self._watched() and time.monotonic() >= self._until
        self._came.wait(UNWATCHED_SECONDS if self._resting else WATCHED_SECONDS)
        if self._resting:  # Nobody came: whoever does so now waits for the reading that begins.
            self._read.clear()
        self._resting = False
        self._came.clear()
