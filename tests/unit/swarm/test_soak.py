"""A long run: durations and draws."""

from itertools import islice

import pytest

from swarm import soak
from swarm.catalogue import FAULTS


@pytest.mark.parametrize(("text", "expected"), [("90s", 90), ("60m", 3600), ("2h", 7200)])
def test_durations(text: str, expected: float) -> None:
    assert soak.seconds(text) == expected


@pytest.mark.parametrize("text", ["", "60", "m", "0m", "1.5h", "-5m", "60 m", "1d"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        soak.seconds(text)


def drawn(seed: int) -> list[str]:
    return [fault.name for fault in islice(soak.draws(FAULTS, seed), 50)]


def test_a_seed_draws_the_same_faults_again() -> None:
    assert drawn(7) == drawn(7) != drawn(8)
