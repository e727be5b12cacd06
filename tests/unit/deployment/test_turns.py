"""One verb at a time over all managers, and nobody waits for one that was killed."""

import pytest

from deployment.plan.turns import OVER_AFTER_SECONDS, Holder, over

LATE = OVER_AFTER_SECONDS + 1.0


@pytest.mark.parametrize(
    ("by", "verb", "silent", "ended"),
    [
        ("me@node-2", "up", 0.0, False),
        ("me@node-2", "up", LATE, True),
        ("me@node-1", "up", 0.0, True),
        ("me@node-2", "lock", LATE, False),
        ("me@node-1", "lock", LATE, False),
    ],
    ids=[
        *("at work elsewhere", "not heard of", "of this machine, where nothing else runs"),
        *("by hand", "by hand, on this machine"),
    ],
)
def test_whose_turn_is_over(by: str, verb: str, silent: float, ended: bool) -> None:
    assert over(Holder(by, verb, "2026-01-01T00:00:00"), "node-1", silent) == ended


def test_who_has_it_is_a_sentence() -> None:
    held = Holder("me@node-1", "lock", "2026-01-01T00:00:00.123+00:00", "the poll ends at noon")
    assert held.sentence() == (
        "me@node-1 has the lock, by `lock`, since 2026-01-01T00:00:00 UTC: the poll ends at noon"
    )
