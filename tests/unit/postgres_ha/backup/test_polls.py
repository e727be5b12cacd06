"""Whose votes may take the place of those that are there: those of the same poll, or of one that was lost."""

from datetime import UTC, datetime

import pytest

from postgres_ha.backup.polls import OtherPollError, Poll, made_anew, require_unarchived

EARLY, MOMENT, LATE = (datetime(2026, 11, day, tzinfo=UTC) for day in (1, 2, 3))


@pytest.mark.parametrize(
    ("live", "copy", "expected"),
    [
        (Poll(1, "open", EARLY, 0), Poll(1, "open", EARLY, 0), False),
        (Poll(3, "final", EARLY, 2), Poll(3, "open", EARLY, 2), False),
        # The tables were lost, or this is an empty stack.
        (Poll(1, "open", LATE, 0), Poll(1, "open", EARLY, 0), True),
        (Poll(1, "open", LATE, 0), Poll(4, "closed", EARLY, 3), True),
        # A release knew but one poll.
        (Poll(1, "open", EARLY, 0), None, False),
    ],
)
def test_the_poll_is_the_same_or_comes_from_the_copy(live: Poll, copy: Poll | None, expected: bool) -> None:
    assert made_anew(live, copy, MOMENT) is expected


@pytest.mark.parametrize(
    ("live", "copy", "why"),
    [
        (Poll(2, "open", LATE, 1), Poll(1, "open", EARLY, 0), "of poll 1: its votes do not come back"),
        (Poll(2, "open", LATE, 1), None, "of poll 1: its votes do not come back"),
        (Poll(1, "open", LATE, 1), Poll(1, "open", EARLY, 0), "its votes do not come back"),
        (Poll(1, "open", EARLY, 0), Poll(2, "open", LATE, 1), "of poll 2"),
        (Poll(2, "archived", EARLY, 2), Poll(2, "open", EARLY, 1), "kept for good"),
    ],
)
def test_a_poll_that_is_over_does_not_come_back(live: Poll, copy: Poll | None, why: str) -> None:
    with pytest.raises(OtherPollError, match=why):
        made_anew(live, copy, MOMENT)


def test_an_archived_poll_is_refused_before_there_is_a_copy() -> None:
    require_unarchived(Poll(1, "final", EARLY, 0))
    with pytest.raises(OtherPollError, match="kept for good"):
        require_unarchived(Poll(1, "archived", EARLY, 1))
