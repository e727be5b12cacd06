from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from worker.closing import parse_closing
from worker.poll import ARCHIVED, CLOCKS_SECONDS, CLOSED, FINAL, LAST_REPLAY_SECONDS, OPEN, Poll, next_state

NOW = 1_800_000_000.0


def poll(state: str, closes: float | None = None, *, letters: bool = False) -> Poll:
    return Poll(7, 1, state, closes, letters, NOW)


@pytest.mark.parametrize(
    ("before", "waiting", "told", "after"),
    [
        (poll(OPEN), 0, 99, OPEN),
        (poll(OPEN, closes=NOW + 1), 0, 99, OPEN),
        (poll(OPEN, closes=NOW - CLOCKS_SECONDS + 1), 0, 99, OPEN),  # the queue's clock may be behind
        (poll(OPEN, closes=NOW - CLOCKS_SECONDS), 5, 0, CLOSED),
        (poll(CLOSED), 0, 0, CLOSED),  # the queue does not know it, or it just had a failover
        (poll(CLOSED), 0, LAST_REPLAY_SECONDS - 1, CLOSED),  # a vote may still come again
        (poll(CLOSED), 1, 99, CLOSED),
        (poll(CLOSED, letters=True), 0, 99, CLOSED),
        (poll(CLOSED, closes=NOW - 999), 0, LAST_REPLAY_SECONDS, FINAL),
        (poll(FINAL, letters=True), 3, 0, FINAL),
        (poll(ARCHIVED, closes=NOW - 999), 0, 99, ARCHIVED),
    ],
)
def test_what_becomes_of_a_poll(before: Poll, waiting: int, told: float, after: str) -> None:
    assert next_state(before, waiting, told) == after


@pytest.mark.parametrize(("closes", "told"), [(None, 0), (1.5, 1500)])
def test_the_queue_is_told_milliseconds(closes: float | None, told: int) -> None:
    assert poll(OPEN, closes).closes_milliseconds == told


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("", None),
        (" ", None),
        ("2026-12-24T20:00Z", datetime(2026, 12, 24, 20, tzinfo=UTC)),
        (" 2026-12-24T21:00+01:00 ", datetime(2026, 12, 24, 20, tzinfo=UTC)),
        ("2026-12-24 20:00:30.5Z", datetime(2026, 12, 24, 20, 0, 30, tzinfo=UTC) + timedelta(seconds=0.5)),
    ],
)
def test_a_time_to_close(text: str, moment: datetime | None) -> None:
    assert parse_closing(text) == moment


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("tomorrow", "expected a time"),
        ("2026-13-24T20:00Z", "expected a time"),
        ("2026-12-24T20:00", "time zone"),
        ("2026-12-24", "time zone"),
        ("9999-12-31T23:59-05:00", "expected a year"),
        ("1969-12-31T23:59Z", "expected a year"),
    ],
)
def test_what_is_no_time_to_close(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_closing(text)
