"""What half an hour comes down to, without the half hour."""

import pytest

from bench.endurance import Sample, figures


def sample(p99: float, updates: int, in_place: int, vacuums: int, checkpoints: int) -> Sample:
    return Sample(p99 / 2, p99, 600, 4, updates, in_place, vacuums, checkpoints)


def test_the_last_third_is_held_against_the_first_and_counters_by_their_growth() -> None:
    samples = [sample(100, 1000, 500, 3, 7), sample(900, 1500, 980, 4, 8), sample(120, 2000, 1490, 5, 10)]
    found = {figure.name.partition(" ")[0]: figure for figure in figures(samples, 30)}
    assert found["p50"].ratio == found["p99"].ratio == pytest.approx(1.2)
    assert found["memory"].ratio == found["table"].ratio == 1
    assert found["updates"].median == pytest.approx(0.99)
    assert (found["autovacuums"].median, found["checkpoints"].median) == (2, 3)


def test_time_too_short_for_any_update_ends_with_figures() -> None:
    samples = [sample(100, 0, 0, 0, 0)] * 3
    assert len([*figures(samples, 0.1)]) == 7
