"""One verb at a time over all managers, and nobody waits for one that was killed."""

import pytest

from deployment.plan.turns import OVER_AFTER_SECONDS, Holder, over

LATE = OVER_AFTER_SECONDS + 1.0


@pytest.mark.parametrize(
    ("machine", "verb", "silent", "ended"),
    [
        ("there", "up", 0.0, False),
        ("there", "up", LATE, True),
        ("here", "up", 0.0, True),
        ("there", "lock", LATE, False),
        ("here", "lock", LATE, False),
    ],
    ids=[
        *("at work elsewhere", "not heard of", "of this machine, where nothing else runs"),
        *("by hand", "by hand, on this machine"),
    ],
)
def test_whose_turn_is_over(machine: str, verb: str, silent: float, ended: bool) -> None:
    assert over(Holder("me@node", verb, "2026-01-01T00:00:00", machine=machine), "here", silent) == ended


def test_who_has_it_is_a_sentence() -> None:
    held = Holder("me@node-1", "lock", "2026-01-01T00:00:00.123+00:00", "the poll ends at noon")
    assert held.sentence() == (
        "me@node-1 has the lock, by `lock`, since 2026-01-01T00:00:00 UTC: the poll ends at noon"
    )
