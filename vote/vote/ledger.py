"""What was acknowledged lately, and by which primaries.

A failover can promote a replica that never saw an acknowledged vote. Whoever acknowledged it
therefore keeps it until it has outlived every failover, and can put it into the queue again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from vote.ballot import Ballot
from vote.primary import Identity

KEEP_SECONDS = 30.0


@dataclass
class _Kept:
    born: float
    confirmed_by: set[Identity] = field(default_factory=set)


class Ledger:
    """Acknowledged ballots of the last half minute under an undisturbed primary."""

    def __init__(self, keep_seconds: float = KEEP_SECONDS) -> None:
        self._keep = keep_seconds
        self._kept: dict[Ballot, _Kept] = {}
        self._present: Identity | None = None
        self._seen_at = 0.0
        self._calm = 0.0
        """Seconds that passed between polls which saw the same primary: the ballots' clock."""
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def confirm(self, ballots: Iterable[Ballot], identity: Identity) -> None:
        """Note that a primary confirmed ballots, new ones or ones appended again."""
        with self._lock:
            for ballot in ballots:
                self._kept.setdefault(ballot, _Kept(self._calm)).confirmed_by.add(identity)

    def poll(self, identity: Identity, now: float) -> list[Ballot]:
        """Note which primary is there now and return the ballots that it has not confirmed.

        Ballots grow older only while the primary stays the same, and one leaves only when it is
        old and the present primary has confirmed it.
        """
        with self._lock:
            if identity == self._present:
                self._calm += now - self._seen_at
            self._present, self._seen_at = identity, now
            oldest = self._calm - self._keep
            self._kept = {
                ballot: kept
                for ballot, kept in self._kept.items()
                if kept.born >= oldest or identity not in kept.confirmed_by
            }
            return [b for b, kept in self._kept.items() if identity not in kept.confirmed_by]
