"""What decides whether a figure is good enough."""

import pytest

from bench.figure import Target, alone, compared, percentile, thirds

SLOW = Target(at_most=100)
FAST = Target(at_least=0.8)


@pytest.mark.parametrize(
    ("target", "value", "met"),
    [
        (Target(at_least=0.85), 0.85, True),
        (Target(at_least=0.85), 0.849, False),
        (Target(at_most=2), 2, True),
        (Target(at_most=2), 2.01, False),
        (Target(at_least=1, at_most=2), 3, False),
        (Target(), 3, True),
    ],
)
def test_a_target_is_met_on_its_side_of_the_bound(target: Target, value: float, met: bool) -> None:
    assert target.met_by(value) is met


def test_a_figure_alone_is_decided_by_its_median() -> None:
    figure = alone("wait", "ms", [300, 90, 80], SLOW)
    assert (figure.median, figure.min, figure.max, figure.met) == (90, 80, 300, True)
    assert (figure.ratio, figure.against, figure.target) == (None, "", "≤ 100")


def test_a_comparison_is_decided_by_the_median_of_ratios_within_one_run() -> None:
    """A machine that was slow in one run was slow for both."""
    figure = compared("rate", "votes/s", [90, 9, 100], "floor", [100, 10, 200], FAST)
    assert (figure.median, figure.ratio, figure.met) == (90, 0.9, True)


def test_runs_that_have_no_partner_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        compared("rate", "votes/s", [1, 2], "floor", [1], FAST)


@pytest.mark.parametrize(
    ("percent", "value"), [(0, 1), (1, 1), (50, 50), (90, 90), (99, 99), (99.5, 100), (100, 100)]
)
def test_percentiles_of_one_to_a_hundred(percent: float, value: float) -> None:
    assert percentile([float(n) for n in range(100, 0, -1)], percent) == value


def test_percentile_of_one_value() -> None:
    assert percentile([7.0], 99) == 7.0


@pytest.mark.parametrize("count", [3, 4, 10, 60])
def test_the_first_and_the_last_third_are_as_long(count: int) -> None:
    first, last = thirds(range(count))
    assert len(first) == len(last) == count // 3
    assert (first[0], last[-1]) == (0, count - 1)
