"""The numbers of the votes that this process sends, and which of them are acknowledged.

Whoever compares them with what is stored sees whether a vote is missing, and which one.
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
# Whoever is not heard of for some of these has ended without a word.
REPEAT_SECONDS = 30.0


class Mark(NamedTuple):
    """What a primary is told of an account: `text` is process, acknowledged numbers, and unnumbered ones.

    The last one says `end`, too.
    """

    poll: int
    text: str


class Told(NamedTuple):
    """What which primary was told of an account, and when, on the monotonic clock."""

    identity: Identity
    text: str
    at: float


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
        self.told: Told | None = None

    def mark(self, *, ending: bool = False) -> Mark:
        """Return what there is to tell."""
        end = " end" if ending else ""
        return Mark(self.poll, f"{self.process} {self.acknowledged} {self.unnumbered}{end}")


def new_process() -> str:
    """Return an id that no other account has: the host, milliseconds since 1970, and a random part."""
    return f"{socket.gethostname()}-{wall_milliseconds()}-{secrets.token_hex(4)}"


class Accounts:
    """The accounts of this process. One thread takes and acknowledges numbers, another one tells of them."""

    def __init__(self, name: Callable[[], str] = new_process) -> None:
        self._name = name
        self._open: list[Account] = []
        self._ending = False

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

    def end(self) -> None:
        """Let the last word be told: the process will acknowledge nothing more."""
        self._ending = True

    @property
    def ended(self) -> bool:
        """Whether a primary has been told the last word, or there is none."""
        marks = self._marks()
        return self._ending and all(a.told is not None and a.told.text == m.text for a, m in marks)

    def untold(self, identity: Identity, poll: int, now: float) -> Sequence[tuple[Account, Mark]]:
        """Return what a primary was not told yet, and what of the poll there is it was told long ago."""
        return [(a, m) for a, m in self._marks() if not is_fresh(a, m, identity, poll, now)]

    def _marks(self) -> Sequence[tuple[Account, Mark]]:
        return [(account, account.mark(ending=self._ending)) for account in self._open]


def is_fresh(account: Account, mark: Mark, identity: Identity, poll: int, now: float) -> bool:
    """Say whether a primary knows a mark, and need not hear once more that its process lives."""
    told = account.told
    if told is None or (told.identity, told.text) != (identity, mark.text):
        return False
    return account.poll < poll or now - told.at < REPEAT_SECONDS
