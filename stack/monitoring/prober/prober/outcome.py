"""What becomes of a test vote."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """What became of it; `ACCEPTED` is on its way to the screen still."""

    ACCEPTED = "accepted"
    SHOWN = "shown"
    NOT_SHOWN = "not_shown"
    NOT_RECORDED = "not_recorded"
    CLOSED = "closed"
    PAUSED = "paused"
    UNSUPPORTED = "unsupported"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"
    NO_PAGE = "no_page"
    NO_SCREEN = "no_screen"


# What `vote` itself says of a test vote that it did not accept.
SAID = frozenset({Outcome.NOT_RECORDED, Outcome.CLOSED, Outcome.PAUSED, Outcome.UNSUPPORTED})


def outcome_of(status: int, told: object) -> Outcome:
    """Read the answer to a test vote: its status, and the word in it if there is one.

    Whatever else comes, a page of an error, say, is a refusal.
    """
    if status == 200 and told == Outcome.ACCEPTED:
        return Outcome.ACCEPTED
    if status == 503 and isinstance(told, str) and told in SAID:
        return Outcome(told)
    return Outcome.REFUSED
