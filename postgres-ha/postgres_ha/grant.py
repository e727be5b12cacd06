"""When a node grants a candidate a term, and the terms that must survive a crash."""

import json
import os
from collections.abc import Collection
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
class Grant:
    """Whom a node granted its last term, and when (monotonic seconds)."""

    candidate: str
    at: float

    def binds(self, candidate: str, now: float) -> bool:
        """Whether it is too early to support somebody else."""
        return candidate != self.candidate and now - self.at < PATIENCE_SECONDS


def led_by(node: str, living_primary: str | None) -> str | None:
    """Return why a node takes no part in an election while it sees a living primary, or None."""
    return f"{node} sees {living_primary} as living primary" if living_primary else None


def objection(candidacy: Candidacy, me: NodeState, living_primary: str | None) -> str | None:
    """Return why a node refuses even before it cuts itself off, or None."""
    if me.role is not Role.STANDBY:
        return f"{me.node} is {me.role.value}, not a standby"
    if me.forgot:
        return f"{me.node} cannot read what it has promised"
    if led := led_by(me.node, living_primary):
        return led
    if candidacy.term <= me.promised:
        return f"{me.node} has promised term {me.promised}"
    return None


def passed_over(node: str, heir: str | None) -> str | None:
    """Return why a node asks for no term while the primary that has just stopped wants another, or None."""
    return f"{heir} is to be elected" if heir not in (None, node) else None


def newer_data(candidacy: Candidacy, me: NodeState) -> str | None:
    """Return why a node that is cut off and has replayed everything refuses, or None."""
    if me.position > candidacy.position:
        return f"{me.node} is newer: {me.position}"
    return None


def next_term(known: list[NodeState]) -> int:
    """Return a term above every one that was promised or served, as far as is known."""
    return 1 + max(max(node.promised, node.epoch) for node in known)


def forgotten_term(peers: Collection[NodeState | None]) -> int | None:
    """Return the term that a node must take for promised when its own note is damaged.

    None while it cannot be known: whoever won with this node's grant knows the term, so every peer must
    answer, and remember its own promise.
    """
    known = [peer for peer in peers if peer and not peer.forgot]
    if len(known) < len(peers):
        return None
    return max(max(peer.promised, peer.epoch) for peer in known)


class DurableTerm:
    """A term that only grows, and is on disk before anyone hears of it.

    `damaged` says that there is a file and nothing can be made of it; `term` is 0 then.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.term, self.damaged = _read_term(path)

    def keep(self, term: int) -> None:
        """Write the term durably; raise ValueError if it does not exceed the last one."""
        if self.damaged:
            raise ValueError(f"{self._path} is damaged: what was promised is not known")
        if term <= self.term:
            raise ValueError(f"term {term} does not exceed {self.term}")
        self._write(term)

    def restore(self, term: int) -> None:
        """Put a term in the place of a damaged one, whose file is kept beside it."""
        self._path.replace(self._path.with_suffix(".damaged"))
        self._write(term)
        self.damaged = False

    def _write(self, term: int) -> None:
        temporary = self._path.with_suffix(".new")
        with temporary.open("w") as file:
            json.dump({"term": term}, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)
        _sync_directory(self._path.parent)
        self.term = term


def _read_term(path: Path) -> tuple[int, bool]:
    """Return the term in a file, 0 without one, and whether the file is damaged."""
    try:
        term = json.loads(path.read_text())["term"]
    except FileNotFoundError:
        return 0, False
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return 0, True
    sound = isinstance(term, int) and not isinstance(term, bool) and term >= 0
    return (term, False) if sound else (0, True)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
