"""Who votes for what, and what an answer says of a vote."""

from collections.abc import Iterator, Sequence
from enum import Enum

from seed.door import Answer

LEAST_SECONDS = 1.0


class Fate(Enum):
    """What became of a vote that was sent."""

    RECORDED = "the voter was told that it is recorded"
    LATER = "it was not taken, and may be sent again"
    UNKNOWN = "nobody says whether it is recorded"
    REFUSED = "it was not taken, and never will be"


def choices(options: Sequence[str], votes: int) -> Iterator[str]:
    """Yield so many choices: two of three are the first option, the others take turns with the rest."""
    first, *rest = options
    for number in range(votes):
        turn, place = divmod(number, 3)
        yield rest[turn % len(rest)] if place == 2 else first


def fate(status: int) -> Fate:
    """Return what a status says of the vote.

    With 429 and 503 it was not taken. With the other three the edge answers in the place of a replica, which
    may have taken it.
    """
    if status == 200:
        return Fate.RECORDED
    if status in {429, 503}:
        return Fate.LATER
    return Fate.UNKNOWN if status in {500, 502, 504} else Fate.REFUSED


def pause(answer: Answer) -> float:
    """Return the seconds after which to try again."""
    return max(LEAST_SECONDS, float(answer.retry_after)) if answer.retry_after.isdigit() else LEAST_SECONDS
