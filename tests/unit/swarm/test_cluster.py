"""What the database says, sorted."""

from swarm.cluster import stored


def test_rows_counts_and_tally() -> None:
    found = stored([["row", "x", "a"], ["row", "y", "b"], ["counted", "a", "7"], ["tally", "a", "8"]])
    assert (found.rows, found.counted, found.tally) == ({"x": "a", "y": "b"}, {"a": 7}, {"a": 8})
