"""A maintenance: voting is paused by an operator, until an operator says otherwise."""

from dataclasses import dataclass

from deployment.plan.cluster.picture import DRAINING, MAINTENANCE, OPEN, Poll, minute


@dataclass(frozen=True)
class Maintenance:
    """Who paused the voting, since when (RFC 3339), and what others should know."""

    by: str  # user@machine
    since: str
    message: str = ""

    def sentence(self) -> str:
        """Say who paused it, and since when."""
        said = f": {self.message}" if self.message else ""
        return f"maintenance since {minute(self.since)}, by {self.by}{said}"


def over(poll: Poll | None) -> str:
    """Say so where a poll takes no more votes, whatever the intake is."""
    return f"poll {poll.number} is over" if poll and (poll.over or poll.state != OPEN) else ""


def closed(intake: str | None, kept: Maintenance | None) -> list[str]:
    """Say so where the intake lets no votes in, or lets them in against an operator's word.

    A change of release that was cut short leaves it `draining`; `up` ends that.
    """
    if intake == MAINTENANCE:
        who = kept.sentence() if kept else "maintenance, by hand"
        return [f"{who}; nobody can vote (`python3 deploy.py maintenance off` ends it)"]
    if intake == OPEN and kept:
        return [f"{kept.sentence()}, which is not in force: say `maintenance on` or `off` once more"]
    if intake == DRAINING and kept:
        return [f"{kept.sentence()}; the queue runs empty for a change of release, and nobody can vote"]
    if intake is None and kept:
        return [f"{kept.sentence()}; whether it is in force is not known"]
    return [] if intake in (None, OPEN) else [f"the intake is {intake}: nobody can vote"]
