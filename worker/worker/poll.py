"""The poll that there is: votes of no other are stored."""

from __future__ import annotations

from typing import NamedTuple

OPEN, CLOSED, FINAL, ARCHIVED = "open", "closed", "final", "archived"
# The primary of the queue ends a poll, by its own clock. So much later the database says so as well, even if
# its clock is ahead: no later primary whose clock is behind can then take votes again.
CLOCKS_SECONDS = 10.0
# A vote process keeps what it acknowledged for half a minute, and puts it into the queue again if the
# primary changes. After that nobody has a vote that the queue has not.
LAST_REPLAY_SECONDS = 35.0


class Poll(NamedTuple):
    """The row of the database; times are seconds since 1970, `revision` grows with each change.

    `letters` says whether there are dead letters, which may be votes.
    """

    revision: int
    number: int
    state: str
    closes: float | None
    letters: bool
    now: float

    @property
    def closes_milliseconds(self) -> int:
        """When the primary of the queue is to end it; 0 for never."""
        return round(1000 * self.closes) if self.closes else 0


def next_state(poll: Poll, waiting: int, told_seconds: float) -> str:
    """Return the state that a poll is to have, while so many entries wait in the queue.

    It is closed when its time is over, and final when all its votes are stored and no more can come: for so
    long, without a break, the queue has known that it is over. What it lost in a break may still come again.
    """
    if poll.state == OPEN and poll.closes is not None and poll.now >= poll.closes + CLOCKS_SECONDS:
        return CLOSED
    if poll.state == CLOSED and not waiting and not poll.letters and told_seconds >= LAST_REPLAY_SECONDS:
        return FINAL
    return poll.state
