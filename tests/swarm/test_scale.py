"""A number of containers lasts, and none at all is said to be on purpose."""

from collections.abc import Iterator

import pytest

from kit.local import LATE_ANSWER_SECONDS, LocalStack, deploy, running, verb
from kit.waiting import wait_until


@pytest.fixture
def local() -> Iterator[LocalStack]:
    """The stack that is up here; afterwards it has the containers that it had."""
    found = running()
    yield found
    assert verb("scale", "result=2", "worker=2").returncode == 0
    found.wait_healthy()


def count(local: LocalStack, service: str) -> tuple[int, int]:
    (found,) = (s for s in local.status()["services"] if s["name"] == service)
    return found["running"], found["desired"]


def test_a_number_of_containers_lasts_and_none_at_all_is_on_purpose(local: LocalStack) -> None:
    done = verb("scale", "worker=1", "result=0")
    assert done.returncode == 0, done.stderr
    assert [count(local, service) for service in ("worker", "result")] == [(1, 1), (0, 0)]
    alone = ["result is scaled to 0 on purpose: nobody sees the results"]
    wait_until(
        lambda: local.status()["missing"] == alone,
        LATE_ANSWER_SECONDS,
        lambda: str(local.status()["missing"]),
    )
    assert not local.status()["healthy"]
    assert "Nothing to do" in deploy().stderr
    planned = verb("up", "--dry-run", environment={"WORKER_REPLICAS": "2"})
    assert "change worker: deploy.replicas 1 → 2" in planned.stdout
