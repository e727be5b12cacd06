import pytest

from bench.backlog import Gauge, Round, rates
from bench.part import Part

GAUGE = Gauge(Part("worker", "network"), queue=None)


def test_a_long_queue_is_held_against_all_short_ones_and_against_the_first() -> None:
    # Two votes at 6/s and two at 3/s take a second: 4/s, and not the mean of the rates.
    long, beside_first, last = rates([Round(short=[6.0, 3.0], long=3.0, gauge=GAUGE)])
    assert long.ratio == pytest.approx(3 / 4)
    assert not long.met
    assert beside_first.ratio == pytest.approx(3 / 6)
    assert last.ratio == pytest.approx(3 / 6)


def test_a_long_queue_that_drains_as_fast_is_fast_enough() -> None:
    long, *_ = rates([Round(short=[5.0, 5.0], long=5.0, gauge=GAUGE)])
    assert long.met
