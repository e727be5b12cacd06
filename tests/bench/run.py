"""How often and for how long a bench measures, and the signs of life that it gives meanwhile."""

from collections.abc import Iterator
from dataclasses import dataclass

from deployment.progress import Progress


@dataclass(frozen=True)
class Run:
    """How many rounds a figure takes, how long one measurement of a rate lasts, and how long endurance."""

    times: int
    seconds: float
    minutes: float
    progress: Progress

    def rounds(self, what: str) -> Iterator[int]:
        """Count the rounds of one figure."""
        with self.progress.task(what) as task:
            for number in range(self.times):
                task.detail(f"round {number + 1} of {self.times}")
                yield number
