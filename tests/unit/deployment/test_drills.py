"""What an operator reads of drills."""

from typing import Any

import pytest

from deployment.plan.cluster import drills

DAY = 86400.0
GOOD = {
    "outcome": "good", "began": 0.0, "seconds": 9.2, "why": "", "backup": "20261129-030002F",
    "moment": 1795964361.0, "age_seconds": 41.0, "rows": 200000, "votes": {"b": 133334, "a": 66666},
    "fingerprint": "-315",
}  # fmt: skip
BAD = {**GOOD, "outcome": "bad", "why": "backup X is damaged"}
NOT_RUN = {
    **GOOD, "outcome": "not run", "began": 8 * DAY, "why": "there is no room", "backup": None, "moment": None,
    "age_seconds": None, "rows": None, "votes": {}, "fingerprint": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("note", "line", "warning"),
    [
        (None, "Drill: none yet", ""),
        ({"last": GOOD, "ran": GOOD}, "Drill: good, 7 d ago", ""),
        ({"last": BAD, "ran": BAD}, "Drill: bad, 7 d ago", "was bad: backup X is damaged"),
        ({"last": NOT_RUN, "ran": GOOD}, "Drill: good, 7 d ago; the last one could not run", ""),
        ({"last": NOT_RUN, "ran": None}, "Drill: none could run yet; the last one could not run", "no room"),
    ],
)
def test_status_says_what_is_known_of_the_last_drill(note: Any, line: str, warning: str) -> None:
    assert drills.line(note, 7 * DAY + 60) == line
    found = drills.warnings(note, 7 * DAY + 60)
    assert (warning in found[0][0]) if warning else not found


def test_a_drill_that_is_long_ago_is_warned_of() -> None:
    found = drills.warnings({"last": NOT_RUN, "ran": GOOD}, 9 * DAY)
    assert found == [("no backup has been tried for 9 d", "python3 deploy.py restore --drill")]


def test_a_report_says_which_moment_and_how_many_votes() -> None:
    assert drills.lines(GOOD) == [
        "Backup       20261129-030002F",
        "Its moment   2026-11-29 14:59:21 UTC, 41 s ago",
        "Votes        200,000 (a 66,666, b 133,334)",
        "Fingerprint  -315",
        "Good: the copy is whole, with the 200,000 votes of 14:59:21. (9 s)",
    ]
    assert drills.lines(BAD)[-1] == "BAD: backup X is damaged. (9 s)"


def test_a_copy_that_is_old_though_nobody_asked_for_that_is_warned_of() -> None:
    old = {**GOOD, "age_seconds": 2 * DAY}
    assert drills.lines(old)[-2] == "Warning: the store has nothing newer than 2 d; see `status`"
    assert not any("Warning" in line for line in drills.lines(old, of_old=True))


def test_one_that_could_not_run_is_never_a_pass() -> None:
    assert drills.lines(NOT_RUN) == [
        "NOT RUN, so that nothing is known of the backup: there is no room. (9 s)"
    ]
    assert drills.EXIT_CODES == {"good": 0, "bad": 1, "not run": 4}
