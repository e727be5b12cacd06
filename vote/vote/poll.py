"""Which poll there is, as the primary of the queue says it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple


class Poll(NamedTuple):
    """A poll by its number, whether it is over, and when it closes, in milliseconds since 1970 (0: never).

    Its revision grows with each change.
    """

    number: int = 1
    over: bool = False
    closes: int = 0
    revision: int = 0


DRAINING, MAINTENANCE = b"draining", b"maintenance"
FIRST = Poll()
UNKNOWN = Poll(revision=-1)
"""Before the primary was asked: votes are for the first poll, and a page does not say which one it is of."""


def read_poll(reply: Any) -> Poll:
    """Read the reply to VOTES.STATE; a Redis of a release that knew but one poll answers an error."""
    if not isinstance(reply, Sequence) or isinstance(reply, str | bytes):
        return FIRST
    _, revision, number, over, closes, _ = reply
    return Poll(int(number), bool(over), int(closes), int(revision))


def drains(reply: Any) -> bool:
    """Say whether the intake of a reply to VOTES.STATE is shut until the queue is empty."""
    return _intake_of(reply) == DRAINING


def is_maintained(reply: Any) -> bool:
    """Say whether the intake of a reply to VOTES.STATE is shut for maintenance."""
    return _intake_of(reply) == MAINTENANCE


def _intake_of(reply: Any) -> object:
    return reply[0] if isinstance(reply, Sequence) and not isinstance(reply, str | bytes) else None


def later(known: Poll, said: Poll) -> Poll:
    """Return what is to be believed: a Redis that has lost its word leads nobody back to an earlier poll."""
    return said if said.revision >= known.revision else known
