"""Waiting for what is away: for ever, but never in a hurry and never deaf to a stop."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from pathlib import Path

from worker.errors import ServiceError

FIRST_DELAY_SECONDS = 0.1
LONGEST_DELAY_SECONDS = 1.0


def delay(attempt: int, chance: float) -> float:
    """Return the seconds to wait after an attempt (0, 1, …): doubling, bounded, spread by half.

    chance is a random number between 0 and 1, so that many workers do not come back at once.
    """
    longest: float = min(FIRST_DELAY_SECONDS * 2 ** min(attempt, 10), LONGEST_DELAY_SECONDS)
    return longest * (0.5 + chance / 2)


class StoppingError(ServiceError):
    """The process was asked to end while it waited; what it waited for stays undone."""


class Patience:
    """One worker's pauses, during which its heartbeat goes on."""

    def __init__(self, stop: threading.Event, heartbeat: Path) -> None:
        self._stop = stop
        self._heartbeat = heartbeat
        self._attempt = 0

    def beat(self) -> None:
        """Show that the process is at work; its container's health check looks at the file."""
        self._heartbeat.touch()

    def rest(self, chance: Callable[[], float] = random.random) -> None:
        """Wait after a failure, longer each time; raise StoppingError when asked to end."""
        self.beat()
        if self._stop.wait(delay(self._attempt, chance())):
            raise StoppingError
        self._attempt += 1

    def reset(self) -> None:
        """Begin with short pauses again, after a success."""
        self._attempt = 0
