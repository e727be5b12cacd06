"""What the database says, sorted, and how long full strength has to last."""

import pytest

from swarm import cluster
from swarm.cluster import Cluster
from swarm.lab.lab import Lab
from swarm.rows import stored


class Looked(Cluster):
    """A cluster that looks as told, each time."""

    def __init__(self, *looks: bool) -> None:
        super().__init__(Lab(()))
        self.looks = iter(looks)

    def whole(self) -> bool:
        return next(self.looks)

    def describe(self) -> str:
        return "not whole"


class Clock:
    """Stands still between sleeps."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(cluster, "time", found)
    return found


def test_rows_counts_and_tally() -> None:
    found = stored([["row", "x", "a"], ["row", "y", "b"], ["counted", "a", "7"], ["tally", "a", "8"]])
    assert (found.rows, found.counted, found.tally) == ({"x": "a", "y": "b"}, {"a": 7}, {"a": 8})


def test_full_strength_has_to_last(clock: Clock) -> None:
    assert Looked(True, False, *[True] * 4).wait_healthy() == 102.0
    assert clock.now == 105.0


def test_one_look_is_enough_where_it_lasted_before(clock: Clock) -> None:
    assert Looked(True).wait_healthy(steady=0) == 100.0
    assert clock.now == 100.0


def test_without_it_the_wait_ends(clock: Clock) -> None:
    with pytest.raises(AssertionError, match="not at full strength within 2 s: not whole"):
        Looked(*[False] * 9).wait_healthy(2)
