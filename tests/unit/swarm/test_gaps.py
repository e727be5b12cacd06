"""How long votes and viewers waited."""

import pytest

from swarm.gaps import longest_silence, staleness


@pytest.mark.parametrize(
    ("acknowledged", "expected"),
    [
        pytest.param([], 20, id="none at all"),
        pytest.param([11, 12, 29], 17, id="between two"),
        pytest.param([14, 15, 28], 13, id="in any order of lengths"),
        pytest.param([14, 26, 27, 28], 12, id="from one to the next"),
        pytest.param([18, 19, 29], 10, id="only what is between counts"),
        pytest.param([11, 12, 13], 17, id="until the end"),
        pytest.param([3, 25, 40], 15, id="what came before and after does not count"),
        pytest.param([28, 12, 20], 8, id="in any order"),
    ],
)
def test_silence(acknowledged: list[float], expected: float) -> None:
    assert longest_silence(acknowledged, since=10, until=30) == expected


@pytest.mark.parametrize(
    ("moves", "acknowledged", "expected"),
    [
        pytest.param([11, 13, 29], [10.5, 12, 13, 14], 15, id="from the first vote that was not shown"),
        pytest.param([11, 29], [10.5], 0.5, id="nothing to show is not stale"),
        pytest.param([11], [10.5, 22], 8, id="until the end"),
        pytest.param([], [12], 18, id="never moved"),
        pytest.param([], [], 0, id="nothing to show, nothing shown"),
        pytest.param([5, 20], [4, 11], 9, id="moves before the fault do not count"),
        pytest.param([20], [9, 15], 5, id="nor do votes before it"),
        pytest.param([20, 21], [20, 20.5], 0.5, id="a vote shown at once"),
    ],
)
def test_staleness(moves: list[float], acknowledged: list[float], expected: float) -> None:
    assert staleness(moves, acknowledged, since=10, until=30) == expected
