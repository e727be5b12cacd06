"""A vote vanishes from the queue of the stack that is up: `audit` names it, until it comes after all."""

import json
import os
from typing import Any

import pytest

from deployment.operations.votes import seed
from deployment.plan.cluster.accounting import LOST, NOTHING_LOST
from kit.local import LocalStack, running, verb
from kit.waiting import wait_until
from swarm.citizen import door
from swarm.vanishing import VOTES, come_back, vanish

# A real queue and database have their own test of it in CI; here it is the stack that says so.
pytestmark = pytest.mark.long

SECONDS = 60
# A process that lives tells twice a minute that it has put all of its votes into the queue again.
NAMED_SECONDS = 180


@pytest.fixture(scope="module")
def local(pytestconfig: pytest.Config) -> LocalStack:
    """The stack that is up here, of which a vote may be deleted."""
    if not (pytestconfig.getoption("delete_votes") or os.environ.get("CI")):
        pytest.skip("it deletes a vote of the stack that is up here; --delete-votes allows that")
    found = running()
    way = seed.entrance(found.client)
    if way is None or way.public:
        pytest.skip("the votes of strangers are here")
    return found


def test_a_vote_that_vanished_is_named_until_it_comes_after_all(local: LocalStack) -> None:
    before = once(NOTHING_LOST, SECONDS)["acknowledged"]
    entry = vanish(local, door(local))
    fields = dict(zip(entry[::2], entry[1::2], strict=True))
    process, first = fields["numbers"].split()
    found = once(LOST, NAMED_SECONDS)
    (one,) = [each for each in found["processes"] if each["lost"]]
    count = len(json.loads(fields.get("votes", "[0]")))
    assert (one["process"], one["numbers"]) == (process, [[int(first), int(first) + count - 1]])
    assert found["acknowledged"] >= before + VOTES
    status = verb("status")
    assert status.returncode == 1
    assert f"{count} acknowledged votes are lost" in status.stdout
    assert verb("up", "--dry-run").returncode == 0  # a gap does not keep anybody from deploying
    come_back(local, entry)
    once(NOTHING_LOST, SECONDS)
    local.wait_healthy()


def once(code: int, seconds: float) -> dict[str, Any]:
    """Return what `audit` says once it ends with this code."""

    def found() -> dict[str, Any] | None:
        ended, said = audited()
        return said if ended == code else None

    return wait_until(found, seconds, lambda: str(audited()))


def audited() -> tuple[int, dict[str, Any]]:
    """Run `audit --json`; return its exit code and what it says, nothing where nobody could be asked."""
    done = verb("audit", "--json")
    return done.returncode, json.loads(done.stdout or "{}")
