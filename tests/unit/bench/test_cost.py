"""What a vote costs is shared out among the parts."""

from datetime import UTC, datetime

import pytest

from bench.cost import Load, figures, part_of, shared_out
from bench.footprint import Taken

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("container", "part"),
    [
        ("test-redis-0a1b2c3d-redis-1", "redis"),
        ("test-redis-0a1b2c3d-redis-proxy-2", "redis-proxy"),
        ("test-redis-0a1b2c3d-vote-ab12cd", "vote"),
        ("bench-deadbeef-edge-00ff00ff", "edge"),
        ("pg-cafecafe-pgpool", "pgpool"),
        ("another", "another"),
    ],
)
def test_a_container_is_of_a_part(container: str, part: str) -> None:
    assert part_of(container) == part


def test_what_several_of_a_part_took_is_added_up() -> None:
    names = ("test-redis-0a1b2c3d-redis-1", "test-redis-0a1b2c3d-redis-2", "test-redis-0a1b2c3d-vote-ab12cd")
    before = [Taken(NOON, 0, seconds) for seconds in (1, 2, 3)]
    after = [Taken(NOON, 0, seconds) for seconds in (1.5, 3, 5)]
    assert shared_out(before, after, names, votes=1000) == {"redis": 1500, "vote": 2000}


def test_the_rate_is_held_against_cores_that_do_nothing_else() -> None:
    rows = list(figures([Load(900, {"vote": 400, "edge": 600}, 1100)] * 3, cores=2))
    assert [row.name for row in rows[1:3]] == ["CPU for one vote: edge", "CPU for one vote: vote"]
    assert rows[0].ratio == pytest.approx(900 / (2e6 / 1100))
    assert not rows[0].met
    assert [row.median for row in rows[3:]] == [1000, 1100]
