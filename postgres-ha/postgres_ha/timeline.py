"""Whether one node's history is the beginning of another's."""

from enum import Enum
from pathlib import Path
from typing import NamedTuple

from postgres_ha.position import parse_lsn


class Branch(NamedTuple):
    """A timeline and the WAL position, in bytes, at which it left its parent."""

    timeline: int
    begin: int


Timelines = tuple[Branch, ...]


class Kinship(Enum):
    """What a node must do before it can stream from a leader."""

    SAME = "same history"
    DIVERGED = "own history must be rewound"
    STRANGER = "own history cannot be mended"


def parse_history(timeline: int, text: str) -> Timelines:
    """Return the branches that a timeline's history file describes, oldest first."""
    branches, begin = [], 0
    for line in text.splitlines():
        fields = line.split("#")[0].split()
        if len(fields) >= 2:
            branches.append(Branch(int(fields[0]), begin))
            begin = parse_lsn(fields[1])
    return (*branches, Branch(timeline, begin))


def read_timelines(wal: Path) -> Timelines:
    """Return the branches of the newest timeline known in a `pg_wal` directory."""
    newest = max(wal.glob("????????.history"), default=None)
    if newest is None:
        return (Branch(1, 0),)
    return parse_history(int(newest.stem, 16), newest.read_text())


def kinship(mine: Timelines, lsn: int, leaders: Timelines) -> Kinship:
    """Compare the history of a node that has replayed to `lsn` bytes with a leader's.

    Two primaries of different epochs can take the same timeline number. pg_rewind believes
    such histories to be one, so a number that began at another place means a new clone.
    """
    begins = dict(leaders)
    if any(begins.get(branch.timeline, branch.begin) != branch.begin for branch in mine):
        return Kinship.STRANGER
    foreign = [branch for branch in mine if branch.timeline not in begins]
    if foreign:
        return Kinship.DIVERGED if lsn > foreign[0].begin else Kinship.STRANGER
    later = [branch.begin for branch in leaders if branch.timeline > mine[-1].timeline]
    return Kinship.DIVERGED if later and lsn > later[0] else Kinship.SAME
