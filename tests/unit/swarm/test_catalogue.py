"""Every fault that the suite promises, each once."""

from collections import Counter

import pytest

from swarm.catalogue import FAULTS, GROUPS
from swarm.faults import deploying, freeze, relocation, rotation, switchover, upkeep
from swarm.faults.victims import VICTIMS

NAMES = [fault.name for fault in FAULTS]


def test_names_are_told_apart() -> None:
    assert [name for name, count in Counter(NAMES).items() if count > 1] == []


@pytest.mark.parametrize("victim", [*VICTIMS, "repmgrd"])
def test_each_victim_is_killed_and_frozen_for_each_time(victim: str) -> None:
    wanted = {f"{victim} killed", *(f"{victim} frozen {seconds} s" for seconds in freeze.SECONDS)}
    assert wanted <= set(NAMES)


def test_six_orders_of_a_cold_start() -> None:
    assert len([name for name in NAMES if name.startswith("cold start") and name[-1].isdigit()]) == 6


def test_ci_runs_some_of_each_group() -> None:
    # They take minutes on the lab, and the tests of the local stack have some of those.
    long = (deploying, switchover, relocation, upkeep, rotation)
    groups = [group for group in GROUPS if group not in long]
    assert all(any(fault.ci for fault in group.FAULTS) for group in groups)
    assert sum(fault.ci for fault in FAULTS) == 13


def test_full_strength_comes_back_within_two_minutes() -> None:
    assert {fault.limits.recovery_s for fault in FAULTS} == {120}
