"""One line of the bench: what was measured, what it is held against, and whether it is enough."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import ceil
from statistics import median
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Target:
    """How a figure, or its ratio where it is held against something, has to be."""

    at_least: float | None = None
    at_most: float | None = None

    def met_by(self, value: float) -> bool:
        """Say whether a value is good enough."""
        above = self.at_least is None or value >= self.at_least
        return above and (self.at_most is None or value <= self.at_most)

    def __str__(self) -> str:
        bounds = (("≥", self.at_least), ("≤", self.at_most))
        return " and ".join(f"{sign} {bound:g}" for sign, bound in bounds if bound is not None)


# Nothing is promised of such a figure: others, and docs/scaling.md, calculate with it.
KNOWN = Target()


@dataclass(frozen=True)
class Figure:
    """A row of the table and of the JSON file; `median`, `min` and `max` are of all runs."""

    name: str
    median: float
    min: float
    max: float
    unit: str
    against: str
    ratio: float | None
    target: str
    met: bool

    def as_row(self) -> dict[str, Any]:
        """Return what is written as JSON."""
        return asdict(self)


def alone(name: str, unit: str, runs: Sequence[float], target: Target) -> Figure:
    """Return a figure that its median alone decides."""
    middle = median(runs)
    return _figure(name, unit, runs, "", None, target, met=target.met_by(middle))


def compared(
    name: str, unit: str, runs: Sequence[float], against: str, others: Sequence[float], target: Target
) -> Figure:
    """Return a figure that the median of the ratios decides, each within one run."""
    ratio = median(own / other for own, other in zip(runs, others, strict=True))
    return _figure(name, unit, runs, against, ratio, target, met=target.met_by(ratio))


def _figure(
    name: str,
    unit: str,
    runs: Sequence[float],
    against: str,
    ratio: float | None,
    target: Target,
    *,
    met: bool,
) -> Figure:
    return Figure(
        name=name,
        median=median(runs),
        min=min(runs),
        max=max(runs),
        unit=unit,
        against=against,
        ratio=ratio,
        target=str(target),
        met=met,
    )


def thirds(values: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    """Return the first third and as many of the last."""
    third = len(values) // 3
    return values[:third], values[len(values) - third :]


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that so many percent of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, ceil(len(ordered) * percent / 100) - 1)]
