"""When a viewer saw a vote."""

from bench.viewers import seen_at

ARRIVALS = [(1.0, {"a": 1, "b": 0}), (2.0, {"a": 5, "b": 2}), (3.0, {"a": 9, "b": 3})]


def test_a_count_is_seen_with_the_first_event_that_reaches_it() -> None:
    assert [seen_at(ARRIVALS, "b", count) for count in (1, 2, 3)] == [2.0, 2.0, 3.0]


def test_what_never_came_was_never_seen() -> None:
    assert seen_at(ARRIVALS, "b", 4) == float("inf")
