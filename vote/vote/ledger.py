"""What was acknowledged lately, and by which primaries.

A failover can promote a replica that never saw an acknowledged vote. Whoever acknowledged it
therefore keeps it until it has outlived every failover, and can put it into the queue again.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

from vote.ballot import Ballot, Numbers
from vote.primary import Identity

KEEP_SECONDS = 30.0
# Where so many ballots are together none are added, neither to what is kept nor to what is replayed at once.
FULL = 400


class Kept:
    """Ballots that were acknowledged together, their numbers, and the primaries that confirmed them."""

    __slots__ = ("ballots", "born", "confirmed_by", "numbers")

    def __init__(
        self, ballots: Sequence[Ballot], born: float, identity: Identity, numbers: Numbers | None = None
    ) -> None:
        self.ballots = [*ballots]
        self.numbers = numbers
        self.born = born
        self.confirmed_by = {identity}

    def goes_on_with(self, numbers: Numbers | None) -> bool:
        """Say whether ballots with these numbers come right after those that are here."""
        mine = self.numbers
        return numbers == (mine and Numbers(mine.process, mine.first + len(self.ballots)))


class Ledger:
    """Acknowledged ballots of the last half minute under an undisturbed primary."""

    def __init__(self, keep_seconds: float = KEEP_SECONDS) -> None:
        self._keep = keep_seconds
        self._kept: deque[Kept] = deque()
        self._present: Identity | None = None
        self._seen_at = 0.0
        self._calm = 0.0
        """Seconds that passed between polls which saw the same primary: the ballots' clock."""
        self._open: Kept | None = None
        """What may still be added to: nobody has been told of it yet."""
        self._lock = threading.Lock()

    def __len__(self) -> int:
        with self._lock:
            return sum(len(kept.ballots) for kept in self._kept)

    def confirm(self, ballots: Sequence[Ballot], identity: Identity, numbers: Numbers | None = None) -> None:
        """Note that a primary confirmed new ballots, with these numbers.

        They are added to the last ones where possible: the garbage collector stops the process for as long
        as it takes to look at each thing that is kept.
        """
        with self._lock:
            if self._open and self._takes(self._open, identity, numbers):
                self._open.ballots += ballots
            else:
                self._open = Kept(ballots, self._calm, identity, numbers)
                self._kept.append(self._open)

    def poll(self, identity: Identity, now: float) -> list[Kept]:
        """Note which primary is there now and return what it has not confirmed.

        Ballots grow older only while the primary stays the same, and leave, in the order in which they
        came, only when they are old and the present primary has confirmed them.
        """
        with self._lock:
            if identity == self._present:
                self._calm += now - self._seen_at
            self._present, self._seen_at, self._open = identity, now, None
            while self._kept and self._may_leave(self._kept[0]):
                self._kept.popleft()
            return [kept for kept in self._kept if identity not in kept.confirmed_by]

    @staticmethod
    def _takes(kept: Kept, identity: Identity, numbers: Numbers | None) -> bool:
        return kept.confirmed_by == {identity} and len(kept.ballots) < FULL and kept.goes_on_with(numbers)

    def _may_leave(self, kept: Kept) -> bool:
        return kept.born < self._calm - self._keep and self._present in kept.confirmed_by
