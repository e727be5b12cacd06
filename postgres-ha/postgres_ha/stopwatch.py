"""For how long conditions have held without interruption."""

from collections.abc import Hashable, Mapping
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


class Stopwatch:
    """Measure, for each condition, the seconds since it began to hold."""

    def __init__(self) -> None:
        self._since: dict[Hashable, float] = {}

    def measure(self, conditions: Mapping[Key, bool], now: float) -> dict[Key, float]:
        """Return the seconds for which each condition holds; 0 where it does not."""
        self._since = {key: self._since.get(key, now) for key, holds in conditions.items() if holds}
        return {key: now - self._since.get(key, now) for key in conditions}
