"""The rules of the vote, and the terms that must survive a crash."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from postgres_ha.position import Position
from postgres_ha.state import NodeState, Role


@dataclass(frozen=True)
class Candidacy:
    """A fenced candidate that wants to be primary for a term."""

    candidate: str
    term: int
    position: Position


# A winner needs some seconds before others can see it in office.
PATIENCE_SECONDS = 8.0


@dataclass(frozen=True)
class Vote:
    """Whom a node gave its last vote, and when (monotonic seconds)."""

    candidate: str
    given: float

    def binds(self, candidate: str, now: float) -> bool:
        """Whether it is too early to support somebody else."""
        return candidate != self.candidate and now - self.given < PATIENCE_SECONDS


def led_by(node: str, living_primary: str | None) -> str | None:
    """Return why a node takes no part in a vote while it sees a living primary, or None."""
    return f"{node} sees {living_primary} as living primary" if living_primary else None


def objection(candidacy: Candidacy, voter: NodeState, living_primary: str | None) -> str | None:
    """Return why a node refuses even before it cuts itself off, or None."""
    if voter.role is not Role.STANDBY:
        return f"{voter.node} is {voter.role.value}, not a standby"
    if led := led_by(voter.node, living_primary):
        return led
    if candidacy.term <= voter.promised:
        return f"{voter.node} has promised term {voter.promised}"
    return None


def newer_data(candidacy: Candidacy, voter: NodeState) -> str | None:
    """Return why a node that is cut off and has replayed everything refuses, or None."""
    if voter.position > candidacy.position:
        return f"{voter.node} is newer: {voter.position}"
    return None


def next_term(known: list[NodeState]) -> int:
    """Return a term above every one that was promised or served, as far as is known."""
    return 1 + max(max(node.promised, node.epoch) for node in known)


class DurableTerm:
    """A term that only grows, and is on disk before anyone hears of it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.term = json.loads(path.read_text())["term"] if path.exists() else 0

    def keep(self, term: int) -> None:
        """Write the term durably; raise ValueError if it does not exceed the last one."""
        if term <= self.term:
            raise ValueError(f"term {term} does not exceed {self.term}")
        temporary = self._path.with_suffix(".new")
        with temporary.open("w") as file:
            json.dump({"term": term}, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)
        _sync_directory(self._path.parent)
        self.term = term


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
