"""One verb at a time: a lock by hand keeps `up` from doing anything, and what was done is on record."""

import pytest

from deployment.engine.machine.host import machine
from deployment.engine.records import turns
from deployment.operations.runner.site import now
from deployment.plan.turns import Holder
from kit.local import LocalStack, deploy, running, verb


@pytest.fixture(scope="module")
def local() -> LocalStack:
    return running()


def test_a_lock_by_hand_keeps_others_out_until_it_is_given_back(local: LocalStack) -> None:
    assert "has the lock" in verb("lock", "--message", "the poll ends at noon").stdout
    try:
        refused = deploy()
        assert refused.returncode == 1
        assert "Nothing was done" in refused.stderr
        assert "the poll ends at noon" in refused.stderr
        assert "unlock" in refused.stderr
        assert "the poll ends at noon" in local.status()["lock"]
        assert verb("lock").returncode == 1
    finally:
        assert "Unlocked" in verb("unlock").stdout
    assert local.status()["lock"] is None
    assert verb("unlock").stdout == "Nobody has the lock.\n"


@pytest.mark.parametrize(("where", "taken_over"), [("elsewhere", False), (machine(), True)])
def test_a_verb_that_was_killed_here_is_taken_over(local: LocalStack, where: str, taken_over: bool) -> None:
    turn = turns.take(local.client, Holder("me@somewhere", "up", now(), machine=where))
    assert turn
    try:
        done = deploy()
    finally:
        turns.give_back(local.client, turn)
    assert (done.returncode == 0) == taken_over, done.stderr
    assert ("Taking over" in done.stderr) == taken_over
    assert local.status()["lock"] is None
