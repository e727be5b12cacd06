"""Which poll a copy is of: its votes may take the place of those of the same poll alone."""

from datetime import datetime
from typing import NamedTuple

from postgres_ha.errors import ServiceError

FIRST, ARCHIVED = 1, "archived"


class OtherPollError(ServiceError):
    """The votes of a moment may not come back; the message says why."""


class Poll(NamedTuple):
    """A poll, and how many there are in the archive."""

    number: int
    state: str
    opened: datetime
    archives: int


def made_anew(live: Poll, copy: Poll | None, moment: datetime) -> bool:
    """Whether the poll itself comes from the copy: the one that is there was made after it, as if the first.

    That is where the database is empty, or has lost its tables. A copy of a release that knew but one poll
    has none. Raises OtherPollError where the votes would be those of another poll, or of one that is over.
    """
    known = (FIRST, live.opened) if copy is None else (copy.number, copy.opened)
    if (live.number, live.opened) == known:
        require_unarchived(live)
        return False
    if live.number == FIRST and not live.archives and live.opened > moment:
        return True
    raise OtherPollError(
        f"this is poll {live.number}, and that moment is of poll {known[0]}: its votes do not come back"
    )


def require_unarchived(live: Poll) -> None:
    """Raise OtherPollError for a poll that is archived."""
    if live.state == ARCHIVED:
        raise OtherPollError(f"poll {live.number} is archived: its numbers are kept for good")
