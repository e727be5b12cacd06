"""The numbers of the votes that this process sends, and which of them are acknowledged.

Whoever compares them with what is stored sees at any moment whether a vote is missing, and which one.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Sequence
from typing import NamedTuple

from vote.ballot import Numbers, wall_milliseconds
from vote.primary import Identity

# The database keeps the union of all that it was told.
MOST_RANGES = 200
# That of the poll there is, and the one before: its last word may be on its way.
MOST_ACCOUNTS = 2


class Mark(NamedTuple):
    """What a primary is told of an account: `text` is process, acknowledged numbers, and unnumbered ones."""

    poll: int
    text: str


class Ranges:
    """Whole numbers as ranges that grow at their end; later numbers are higher."""

    def __init__(self) -> None:
        self._pairs: list[tuple[int, int]] = []

    def add(self, first: int, last: int) -> None:
        """Add the numbers from first to last."""
        if self._pairs and self._pairs[-1][1] == first - 1:
            self._pairs[-1] = (self._pairs[-1][0], last)
        else:
            self._pairs.append((first, last))

    def __str__(self) -> str:
        """Write the last ranges, e.g. 1-17,20-400; a dash alone is none."""
        return ",".join(f"{first}-{last}" for first, last in self._pairs[-MOST_RANGES:]) or "-"


class Account:
    """One account: of one process, for one poll."""

    def __init__(self, process: str, poll: int) -> None:
        self.process = process
        self.poll = poll
        self.acknowledged = Ranges()
        self.unnumbered = Ranges()
        """Acknowledged numbers whose votes an older Redis got once more, which takes no numbers."""
        self.last = 0
        self.told: tuple[Identity, str] | None = None

    def mark(self) -> Mark:
        """Return what there is to tell."""
        return Mark(self.poll, f"{self.process} {self.acknowledged} {self.unnumbered}")


def new_process() -> str:
    """Return an id that no other account has: the host, milliseconds since 1970, and a random part."""
    return f"{socket.gethostname()}-{wall_milliseconds()}-{secrets.token_hex(4)}"


class Accounts:
    """The accounts of this process. One thread takes and acknowledges numbers, another one tells of them."""

    def __init__(self, name: Callable[[], str] = new_process) -> None:
        self._name = name
        self._open: list[Account] = []

    def take(self, count: int, poll: int) -> Numbers:
        """Give numbers to so many votes of a poll, right before they are sent: they are never given again."""
        if not self._open or self._open[-1].poll != poll:
            self._open = [*self._open, Account(self._name(), poll)][-MOST_ACCOUNTS:]
        account = self._open[-1]
        first = account.last + 1
        account.last += count
        return Numbers(account.process, first)

    def acknowledge(self, numbers: Numbers, count: int) -> None:
        """Note that the votes that were sent last with these numbers are acknowledged."""
        self._open[-1].acknowledged.add(numbers.first, numbers.first + count - 1)

    def strip(self, numbers: Numbers, count: int) -> None:
        """Note that acknowledged votes were put into a queue again that takes no numbers."""
        for account in self._open:
            if account.process == numbers.process:
                account.unnumbered.add(numbers.first, numbers.first + count - 1)

    def untold(self, identity: Identity) -> Sequence[tuple[Account, Mark]]:
        """Return what a primary was not told yet."""
        marks = [(account, account.mark()) for account in self._open]
        return [(a, m) for a, m in marks if str(a.acknowledged) != "-" and a.told != (identity, m.text)]
