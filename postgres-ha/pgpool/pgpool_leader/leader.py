"""Which primary pgpool serves, and when that means a new start. Nothing here acts."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

LOST_SECONDS = 3.0
# No election takes longer, once the loss of a primary is known.
MISSED_SECONDS = 15.0
MAX_FAILURES = 3


@dataclass(frozen=True)
class NodeReport:
    """What one node says: the leader it names, and whether it is an open primary itself."""

    leader: str | None
    open: bool


@dataclass(frozen=True)
class Backend:
    """A primary and the address its name has now."""

    node: str
    address: str


class Action(Enum):
    """What the supervisor can be told to do."""

    KEEP = auto()
    START = auto()
    STOP = auto()


def agreed_leader(reports: Mapping[str, NodeReport | None], majority: int) -> str | None:
    """Return the open primary that a majority of all nodes names, itself included."""
    named = Counter(report.leader for report in reports.values() if report and report.leader)
    for node, voices in named.items():
        report = reports.get(node)
        if voices >= majority and report is not None and report.open:
            return node
    return None


@dataclass(frozen=True)
class Situation:
    """What pgpool serves now, what it should serve, and how well it does."""

    served: Backend | None
    wanted: Backend | None
    alive: bool
    seconds_without_leader: float = 0.0
    failures: int = 0
    outdated: bool = False  # it runs with a password that the primary does not take any more


def is_missed(situation: Situation) -> bool:
    """Whether there is no leader, and there was one so short a time ago that another may come any moment."""
    return situation.wanted is None and situation.seconds_without_leader < MISSED_SECONDS


def decide(situation: Situation) -> Action:
    """Return what becomes of the pgpool process; START replaces one that runs."""
    if situation.wanted is None:
        lost = situation.seconds_without_leader >= LOST_SECONDS
        return Action.STOP if situation.served and lost else Action.KEEP
    if situation.wanted != situation.served or not situation.alive:
        return Action.START
    return Action.START if situation.outdated or situation.failures >= MAX_FAILURES else Action.KEEP
