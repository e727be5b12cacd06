"""Faults drawn at random for as long as asked: `--soak 60m`, the same ones again with `--seed`."""

import random
import time
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
    deadline = time.monotonic() + soak.seconds(pytestconfig.getoption("soak"))
    say(f"drawing faults with --seed {seed}")
    failed = []
    for number, fault in enumerate(soak.draws(FAULTS, seed), 1):
        if time.monotonic() > deadline:
            break
        say(f"fault {number}: {fault}")
        problems = stage.run(fault)
        failed += [f"fault {number}, {fault}: {problem}" for problem in problems]
        if problems and not stage.recovers():
            break  # the next fault would only be blamed for this one
    assert not failed, "\n".join([f"--seed {seed}", *failed])
