"""What a fault cost, and whether that is more than it may."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from swarm.gaps import longest_silence, staleness
from swarm.ledger import Ballot, Verdict


@dataclass(frozen=True)
class Limits:
    """What a fault may cost; nothing may ever be lost or doubled. None: as much as it takes."""

    unavailable_s: float | None = 5
    stale_s: float | None = 30
    recovery_s: float = 120
    refused: int | None = 0
    refused_at_edge: int | None = 0  # besides, through an edge that is struck itself

    def stretched(self, factor: float) -> "Limits":
        """Return the limits for a machine that is slow or does other things, too, by a factor above 1.

        Times are longer there, and votes may be refused, honestly, because an answer was late. Nothing may
        be lost or doubled on any machine.
        """
        if factor <= 1:
            return self
        return replace(
            self,
            refused=None,
            refused_at_edge=None,
            unavailable_s=self.unavailable_s and factor * self.unavailable_s,
            stale_s=self.stale_s and factor * self.stale_s,
            recovery_s=factor * self.recovery_s,
        )


@dataclass(frozen=True)
class Window:
    """When a fault struck, when it was over, when all was whole again, and until when it was watched."""

    struck: float
    over: float
    whole: float
    until: float


@dataclass(frozen=True)
class Outcome:
    """One row of the table of faults; `runs` may be several, then sums and the worst times."""

    fault: str
    runs: int
    acknowledged: int
    lost: int
    doubled: int
    refused: int
    unavailable_s: float
    stale_s: float
    recovery_s: float
    passed: bool
    date: str = ""
    machine: str = ""
    source: str = ""

    def as_row(self) -> dict[str, Any]:
        """Return what is written as JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Costs:
    """What one run of a fault cost."""

    acknowledged: int
    lost: int
    doubled: int
    refused: int
    refused_at_edge: int
    unavailable_s: float
    stale_s: float
    recovery_s: float

    def excess(self, limits: Limits) -> list[str]:
        """Return a sentence for each limit that was exceeded."""
        allowed: Mapping[str, float | None] = {"lost": 0, "doubled": 0, **asdict(limits)}
        return [
            f"{name} {getattr(self, name):g}, allowed {limit:g}"
            for name, limit in allowed.items()
            if limit is not None and getattr(self, name) > limit
        ]


def measure(
    ballots: Sequence[Ballot],
    moves: Sequence[Sequence[float]],
    verdict: Verdict,
    window: Window,
    edges: frozenset[str],
) -> Costs:
    """Measure one run: `moves` of each viewer, of whom the worst counts, and `edges` that were struck."""
    during = [ballot for ballot in ballots if window.struck <= ballot.answered]
    refused = [ballot.edge in edges for ballot in during if not (ballot.acknowledged or ballot.again)]
    acknowledged = [ballot for ballot in during if ballot.acknowledged]
    shown = sorted(ballot.answered for ballot in acknowledged if ballot.stranger)
    since, until = window.struck, window.until
    return Costs(
        acknowledged=len(acknowledged),
        lost=verdict.losses,
        doubled=verdict.doubled,
        refused=refused.count(False),
        refused_at_edge=refused.count(True),
        unavailable_s=round(longest_silence((b.answered for b in acknowledged), since=since, until=until), 1),
        stale_s=round(max(staleness(each, shown, since=since, until=until) for each in moves), 1),
        recovery_s=round(window.whole - window.over, 1),
    )
