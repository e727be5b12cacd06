"""What the voters were told, compared with what the database holds."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

NOBODY = ""  # the voter of a vote that was never sent, because there was no page to send it from


@dataclass(frozen=True, slots=True)
class Ballot:
    """One vote as its voter saw it; times in seconds of the voter's monotonic clock."""

    voter: str
    choice: str
    sent: float  # when the voter chose, before there was a connection
    answered: float
    acknowledged: bool
    problem: str = ""
    edge: str = ""
    stranger: bool = True
    version: int = 0  # what the service called it when it acknowledged it, if it said so
    again: bool = False  # nothing was answered; the browser sent the same again, which is the next ballot


@dataclass(frozen=True)
class Stored:
    """What the database holds at one moment: rows of the voters asked for, rows and tally by choice."""

    rows: Mapping[str, str]
    counted: Mapping[str, int]
    tally: Mapping[str, int]
    versions: Mapping[str, int] = field(default_factory=dict)  # of those rows


@dataclass(frozen=True)
class Verdict:
    """How the database differs from what was promised; voters are named by their ids."""

    acknowledged: int
    lost: tuple[str, ...]  # acknowledged, but there is no row
    stale: tuple[str, ...]  # the row is an older choice than the last acknowledged one
    miscounted: Mapping[str, int]  # option → tally minus rows: positive means counted twice
    missing: int = 0  # rows too few for the voters who were promised one since the last judgement
    uninvited: int = 0  # rows too many for all who voted since

    @property
    def kept(self) -> bool:
        """Whether the promise was kept."""
        return not (self.losses or self.doubled)

    @property
    def losses(self) -> int:
        """Voters whose vote is not there, or not the last one that was promised."""
        return max(len(self.lost) + len(self.stale), self.missing)

    @property
    def doubled(self) -> int:
        """Votes that count more than once."""
        return sum(map(abs, self.miscounted.values())) + self.uninvited

    def summary(self) -> str:
        """Say how it differs, in one line."""
        return (
            f"lost {len(self.lost)}, stale {len(self.stale)}, miscounted {dict(self.miscounted)}, "
            f"rows missing {self.missing}, rows of nobody {self.uninvited}"
        )


def judge(ballots: Iterable[Ballot], stored: Stored, *, least: int = 0, most: int | None = None) -> Verdict:
    """Compare ballots with what is stored, of which there must be between `least` and `most` rows.

    A voter's row must be the last acknowledged choice, or one sent after it whose answer never
    came: nothing was promised about that one, and it may have been recorded. One sent before it must not
    win, also if it was still on its way then. The row's version must be at least the acknowledged one: an
    older vote may be for the same option.
    """
    cast: dict[str, list[Ballot]] = defaultdict(list)
    for ballot in sorted(ballots, key=lambda b: b.sent):
        cast[ballot.voter].append(ballot)
    promised = {voter: allowed for voter, own in cast.items() if (allowed := _allowed(own))}
    rows, total = stored.rows, sum(stored.counted.values())
    return Verdict(
        acknowledged=sum(ballot.acknowledged for own in cast.values() for ballot in own),
        lost=tuple(voter for voter in promised if voter not in rows),
        stale=tuple(v for v in promised if v in rows and _is_stale(v, cast[v], promised[v], stored)),
        miscounted=_miscounted(stored.counted, stored.tally),
        missing=max(0, least - total),
        uninvited=0 if most is None else max(0, total - most),
    )


def _allowed(own: list[Ballot]) -> set[str]:
    """Return the choices a voter's row may hold, of votes in order; empty if none was ever acknowledged."""
    last = max((i for i, ballot in enumerate(own) if ballot.acknowledged), default=None)
    return set() if last is None else {ballot.choice for ballot in own[last:]}


def _is_stale(voter: str, own: list[Ballot], allowed: set[str], stored: Stored) -> bool:
    promised = max(ballot.version for ballot in own if ballot.acknowledged)
    return stored.rows[voter] not in allowed or stored.versions.get(voter, promised) < promised


def _miscounted(counted: Mapping[str, int], tally: Mapping[str, int]) -> dict[str, int]:
    choices = {*counted, *tally}
    differences = {choice: tally.get(choice, 0) - counted.get(choice, 0) for choice in sorted(choices)}
    return {choice: difference for choice, difference in differences.items() if difference}


@dataclass
class Ledger:
    """All ballots of a session, judged run by run; `rows` is how many rows there were at the last judgement.

    At a judgement everything has come to rest: each voter who was acknowledged for the first time since the
    last one has made a row, each who was only refused may have made one, and nobody else.
    """

    ballots: Sequence[Ballot]
    rows: int
    judged: int = 0
    _promised: set[str] = field(default_factory=set)
    _refused: set[str] = field(default_factory=set)
    _late: int = 0  # rows of the last run that may still come: given up, or missing

    def unjudged(self) -> Sequence[Ballot]:
        """Return the ballots that came since the last judgement."""
        return self.ballots[self.judged :]

    def close(self, ballots: Sequence[Ballot], stored: Stored) -> Verdict:
        """Judge some of the ballots, and how many rows have come since the last judgement."""
        new = self.unjudged()
        self.judged += len(new)
        acknowledged = {ballot.voter for ballot in new if ballot.acknowledged} - self._promised
        refused = {ballot.voter for ballot in new} - acknowledged - self._promised - {NOBODY}
        least = self.rows + len(acknowledged - self._refused)  # whose row may have come with the refusal
        most = self.rows + len(acknowledged) + len(refused) + self._late
        verdict = judge(ballots, stored, least=least, most=most)
        self.rows = sum(stored.counted.values())
        self._late = min(len(refused), max(0, most - self.rows)) + verdict.missing
        self._promised |= acknowledged
        self._refused |= refused
        return verdict
