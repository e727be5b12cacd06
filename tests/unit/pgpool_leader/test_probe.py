import threading
import time

import pytest

from pgpool_leader.probe import PERIOD_SECONDS, Probe


class Writes:
    """Stand in for the write: succeed, fail, or hang until told otherwise."""

    def __init__(self) -> None:
        self.succeed = True
        self.answer = threading.Event()
        self.answer.set()

    def __call__(self) -> bool:
        self.answer.wait(10)
        return self.succeed


def run(probe: Probe, periods: int) -> None:
    """Let this many periods pass, each attempt having had time to end."""
    for number in range(1, periods + 1):
        probe.tick(number * PERIOD_SECONDS)
        time.sleep(0.1)


@pytest.fixture
def writes() -> Writes:
    return Writes()


@pytest.fixture
def probe(writes: Writes) -> Probe:
    probe = Probe(writes)
    probe.reset(0)
    return probe


def test_successes_count_nothing(probe: Probe) -> None:
    run(probe, 5)
    assert probe.failures == 0


def test_failures_add_up_until_a_success(probe: Probe, writes: Writes) -> None:
    writes.succeed = False
    run(probe, 4)
    assert probe.failures == 3


def test_a_write_that_hangs_is_a_failure(probe: Probe, writes: Writes) -> None:
    writes.answer.clear()
    run(probe, 4)
    writes.answer.set()
    assert probe.failures == 3


def test_a_new_pgpool_starts_from_zero(probe: Probe, writes: Writes) -> None:
    writes.succeed = False
    run(probe, 4)
    probe.reset(100)
    assert probe.failures == 0
