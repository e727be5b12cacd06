"""Who votes for what, and what an answer says of a vote."""

from collections import Counter

import pytest

from seed import ballots
from seed.ballots import Fate
from seed.door import Answer


@pytest.mark.parametrize(
    ("options", "votes", "counted"),
    [
        ("ab", 3000, {"a": 2000, "b": 1000}),
        ("ab", 1, {"a": 1}),
        ("abc", 3000, {"a": 2000, "b": 500, "c": 500}),
        ("abcd", 18, {"a": 12, "b": 2, "c": 2, "d": 2}),
        ("cab", 300, {"c": 200, "a": 50, "b": 50}),
    ],
)
def test_two_of_three_vote_for_the_first_option_and_the_rest_is_spread(
    options: str, votes: int, counted: dict[str, int]
) -> None:
    assert Counter(ballots.choices(options, votes)) == counted


@pytest.mark.parametrize(
    ("status", "fate"),
    [
        (200, Fate.RECORDED),
        (429, Fate.LATER),
        (503, Fate.LATER),
        (500, Fate.UNKNOWN),
        (502, Fate.UNKNOWN),
        (504, Fate.UNKNOWN),
        (301, Fate.REFUSED),
        (400, Fate.REFUSED),
        (403, Fate.REFUSED),
        (404, Fate.REFUSED),
    ],
)
def test_only_what_was_told_to_be_recorded_counts(status: int, fate: Fate) -> None:
    assert ballots.fate(status) is fate


@pytest.mark.parametrize(
    ("told", "seconds"), [("", 1), ("0", 1), ("7", 7), ("Wed, 21 Oct 2026 07:28:00 GMT", 1)]
)
def test_who_is_asked_to_wait_waits(told: str, seconds: float) -> None:
    assert ballots.pause(Answer(429, told)) == seconds
