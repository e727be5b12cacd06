"""What somebody changed by hand is named, and put right by the next `up`."""

import pytest

from kit.containers import docker
from kit.local import LATE_ANSWER_SECONDS, LocalStack, deploy, running
from kit.waiting import wait_until

LEAVING_SECONDS = 60


@pytest.fixture(scope="module")
def local() -> LocalStack:
    return running()


def missed(local: LocalStack) -> set[str]:
    """Return the pages that a visitor does not get."""
    return {visit["page"] for visit in local.status()["pages"] if visit["problem"]}


def test_services_that_were_scaled_or_removed_are_named_and_restored(local: LocalStack) -> None:
    docker("service", "scale", "--detach", "vote-app_vote=0")
    docker("service", "rm", "vote-app_result")
    try:
        named = {"vote was scaled to 0 from 2", "result was removed"}
        wait_until(
            lambda: named <= set(local.status()["missing"]), LEAVING_SECONDS, lambda: str(local.status())
        )
        wait_until(lambda: missed(local) == {"vote", "result"}, LEAVING_SECONDS, lambda: str(local.status()))
    finally:
        done = deploy()
    assert done.returncode == 0, done.stderr
    assert "Nothing to do" not in done.stderr
    local.wait_healthy(LATE_ANSWER_SECONDS)
