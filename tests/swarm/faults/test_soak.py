"""Faults from a shuffled deck: `--soak 60m`, or `all` of them once; in the same order with `--seed`."""

import random
from collections.abc import Callable

import pytest

from swarm import soak
from swarm.catalogue import FAULTS
from swarm.stage import Stage


@pytest.fixture
def seed(pytestconfig: pytest.Config) -> int:
    given = pytestconfig.getoption("seed")
    return random.SystemRandom().randrange(1_000_000) if given is None else int(given)


def test_faults_at_random(
    stage: Stage, seed: int, say: Callable[[str], None], pytestconfig: pytest.Config
) -> None:
    faults = soak.dealt(FAULTS, seed, pytestconfig.getoption("soak"))
    say(f"dealing faults with --seed {seed}")
    failed = []
    for number, fault in enumerate(faults, 1):
        say(f"fault {number}: {fault}")
        problems = stage.run(fault)
        failed += [f"fault {number}, {fault}: {problem}" for problem in problems]
        if problems and not stage.recovers():
            break  # the next fault would only be blamed for this one
    say(soak.total(stage.outcomes))
    assert not failed, "\n".join([f"--seed {seed}", *failed])
