"""A seeding says what it stored, and what is not known."""

from collections import Counter

import pytest

from seed.report import Report, bar
from seed.tally import Tally
from seed.voters import Count

NAMES = {"a": "Cats", "b": "Dogs"}
BEFORE = Tally({"a": 10, "b": 20}, NAMES, live=True)


def report(
    now: tuple[int, int], wanted: int = 3, told: dict[str, int] | None = None, **count: object
) -> Report:
    counted = Count(Counter(told or {"a": 2, "b": 1}), seconds=1.6)
    for name, value in count.items():
        setattr(counted, name, value)
    return Report(wanted, counted, BEFORE, Tally(dict(zip("ab", now, strict=True)), NAMES, live=True))


def test_what_was_stored_is_said_of_each_option() -> None:
    assert report((2010, 1020), 3000, {"a": 2000, "b": 1000}).lines() == [
        "3,000 of 3,000 votes acknowledged in 2 s.",
        "  Cats: 2,000 acknowledged, 10 stored before, 2,010 now",
        "  Dogs: 1,000 acknowledged, 20 stored before, 1,020 now",
    ]


@pytest.mark.parametrize(
    ("found", "line", "code"),
    [
        (report((12, 21)), "  Dogs: 1 acknowledged, 20 stored before, 21 now", 0),
        (report((12, 21), put_off=40), "40 times a vote was not taken at once, and was sent again.", 0),
        (
            report((13, 21), 4, unknown=Counter({"a": 1})),
            "1 votes got no answer. They may be recorded or not, so they were not sent again.",
            1,
        ),
        (
            report((11, 21)),
            "Acknowledged, but not in the tally: Cats 1. (Others may have changed their votes.)",
            1,
        ),
        (report((12, 21), 9, problem="the vote page answers 403"), "Stopped: the vote page answers 403.", 1),
        (report((11, 21), 9, interrupted=True), "Interrupted.", 130),
    ],
    ids=["all", "put off", "unknown", "missing", "stopped", "interrupted"],
)
def test_how_it_ended(found: Report, line: str, code: int) -> None:
    assert found.lines()[-1] == line
    assert found.exit_code == code


def test_a_bar_shows_how_far_it_is() -> None:
    assert bar(0, 3000) == "────────────────────────  0 of 3,000".replace("  ", " ")
    assert bar(1500, 3000) == "━━━━━━━━━━━━──────────── 1,500 of 3,000"
    assert bar(3000, 3000) == "━━━━━━━━━━━━━━━━━━━━━━━━ 3,000 of 3,000"
