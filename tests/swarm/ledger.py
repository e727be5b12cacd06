"""What the voters were told, compared with what the database holds."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Ballot:
    """One vote as its voter saw it; times in seconds of the voter's monotonic clock."""

    voter: str
    choice: str
    sent: float
    answered: float
    acknowledged: bool
    problem: str = ""


@dataclass(frozen=True)
class Verdict:
    """How the database differs from what was promised; voters are named by their ids."""

    acknowledged: int
    lost: tuple[str, ...]  # acknowledged, but there is no row
    stale: tuple[str, ...]  # the row is an older choice than the last acknowledged one
    miscounted: Mapping[str, int]  # option → tally minus rows: positive means counted twice

    @property
    def kept(self) -> bool:
        """Whether the promise was kept."""
        return not (self.lost or self.stale or self.miscounted)


def judge(ballots: Iterable[Ballot], rows: Mapping[str, str], tally: Mapping[str, int]) -> Verdict:
    """Compare ballots with `rows` (voter → choice, all of the table) and `tally` (choice → count).

    A voter's row must be the last acknowledged choice, or one sent after it whose answer never
    came: nothing was promised about that one, and it may have been recorded.
    """
    cast: dict[str, list[Ballot]] = defaultdict(list)
    for ballot in sorted(ballots, key=lambda b: b.sent):
        cast[ballot.voter].append(ballot)
    promised = {voter: allowed for voter, own in cast.items() if (allowed := _allowed(own))}
    return Verdict(
        acknowledged=sum(ballot.acknowledged for own in cast.values() for ballot in own),
        lost=tuple(voter for voter in promised if voter not in rows),
        stale=tuple(v for v, allowed in promised.items() if v in rows and rows[v] not in allowed),
        miscounted=_miscounted(rows, tally),
    )


def _allowed(own: list[Ballot]) -> set[str]:
    """Return the choices a voter's row may hold; empty if nothing was ever acknowledged."""
    last = max((i for i, ballot in enumerate(own) if ballot.acknowledged), default=None)
    return set() if last is None else {ballot.choice for ballot in own[last:]}


def _miscounted(rows: Mapping[str, str], tally: Mapping[str, int]) -> dict[str, int]:
    counted: dict[str, int] = defaultdict(int)
    for choice in rows.values():
        counted[choice] += 1
    choices = {*counted, *tally}
    return {c: tally.get(c, 0) - counted[c] for c in sorted(choices) if tally.get(c, 0) != counted[c]}


def longest_silence(ballots: Iterable[Ballot], *, since: float) -> float:
    """Return the longest time in seconds without an acknowledgement, from `since` to the last one."""
    times = sorted(b.answered for b in ballots if b.acknowledged and b.answered >= since)
    return max((after - before for before, after in zip([since, *times], times, strict=False)), default=0.0)
