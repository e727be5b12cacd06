"""A deployment that fails is taken back, and `rollback` goes to a former release, while people vote."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from deployment.configuration.layout import STACK
from deployment.configuration.settings import Settings
from deployment.engine.swarm import services
from deployment.plan.cluster.convergence import BUSY
from kit.checkout import copied
from kit.local import LATE_ANSWER_SECONDS, LocalStack, deploy, running, verb
from kit.waiting import wait_until
from swarm import busy
from swarm.electorate import electorate, refused, voting
from swarm.voters import Voters

FAILS_AT_ONCE = 'ENTRYPOINT ["false"]'
NEVER_HEALTHY = "HEALTHCHECK --interval=1s --timeout=1s --retries=2 CMD false"


BREAKAGES = {
    "an image that exits": ("vote/Dockerfile", FAILS_AT_ONCE, "vote", False),
    "a data node": ("postgres-ha/Dockerfile", FAILS_AT_ONCE, "postgres-", False),
    "an image that never gets healthy": ("result/Dockerfile", NEVER_HEALTHY, "result", False),
    "the edge's configuration": ("traefik/traefik.yaml", "entryPoints: none at all", "traefik", True),
}
"""A file, one more line that breaks it, the service that fails, and whether nobody may get in then."""
OLDER = {
    "vote/vote/ballot.py": ("VOTES_PER_ENTRY = 16", "VOTES_PER_ENTRY = 1"),
    "vote/vote/connection.py": ("return self.fields >= ACCOUNT_FIELDS", "return False"),
    "worker/worker/ballot.py": ('if b"votes" not in fields:', "if True:"),
    "stack/docker-stack.yaml": ("entry-1 entry-2", "entry-1"),
}
"""What makes of this release one that neither writes nor reads entries of several votes, or of none."""
STARTED_SECONDS = 120
IN_CI = ("an image that exits", "a data node")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Try every breakage with `--all-faults`, and otherwise those of CI."""
    if "breakage" in metafunc.fixturenames:
        every = metafunc.config.getoption("all_faults")
        metafunc.parametrize("breakage", [b for b in BREAKAGES if every or b in IN_CI])


@pytest.fixture(scope="module")
def local() -> Iterator[LocalStack]:
    """The stack that is up here; afterwards it is what it was before."""
    found = running()
    yield found
    assert deploy().returncode == 0


@pytest.fixture(scope="module")
def voters(local: LocalStack, chosen: Settings) -> Iterator[Voters]:
    with electorate(chosen) as found:
        yield found


def encrypted(local: LocalStack) -> set[bool]:
    """Say whether the servers of the queue speak TLS."""
    told = services.told(services.specifications(local.client))
    return {told[name].demands for name in ("redis-1", "redis-2", "redis-3", "redis-proxy")}


def altered(folder: Path, path: str, line: str) -> Path:
    """Return a checkout like this one, with one more line in one file."""
    copy = copied(folder)
    with (copy / path).open("a") as file:
        file.write(f"\n{line}\n")
    return copy


def test_a_deployment_that_fails_is_taken_back(
    local: LocalStack, voters: Voters, tmp_path: Path, breakage: str
) -> None:
    path, line, service, unanswered = BREAKAGES[breakage]
    before = local.status()["release"]
    with voting(local, voters) as ballots:
        done = verb("up", "--yes", checkout=altered(tmp_path, path, line))
    assert done.returncode == 1, done.stderr
    assert f"The stack runs the former release {before['identity']} again." in done.stderr
    assert service in done.stderr.rpartition("ERROR: ")[2].partition("The stack runs")[0]
    now = local.wait_healthy(LATE_ANSWER_SECONDS)
    assert now["release"] == before
    # One machine has one edge: while that is replaced nobody gets in.
    assert unanswered or refused(ballots) == []


def with_volume(folder: Path, name: str) -> Path:
    """Return a checkout like this one, in which the containers of `vote` have one more volume."""
    copy = copied(folder)
    stack = copy / "stack" / "docker-stack.yaml"
    rest, start, vote = stack.read_text().partition("\n  vote:\n")
    vote = vote.replace("volumes: [*tmp]", "volumes: [*tmp, other:/mnt]", 1)
    vote = vote.replace("\nvolumes:\n", f"\nvolumes:\n  other: {{external: true, name: {name}}}\n")
    stack.write_text(rest + start + vote)
    return copy


def failed_for(local: LocalStack, service: str, reason: str) -> bool:
    tasks = local.client.api.tasks(filters={"service": f"{STACK}_{service}"})
    return any(reason in task["Status"].get("Err", "") for task in tasks)


def mend(local: LocalStack, holder: Any) -> None:
    """Remove what keeps a volume busy once the engine could not start a container for that."""
    wait_until(lambda: failed_for(local, "vote", BUSY), STARTED_SECONDS)
    holder.remove(force=True)


def test_a_busy_machine_is_asked_again_and_a_former_release_comes_back_without_a_registry(
    local: LocalStack, voters: Voters, tmp_path: Path
) -> None:
    before = local.status()["release"]
    image = local.client.containers.get(local.container("vote")).image.id
    with busy.volume(local.client, image) as holder, voting(local, voters) as ballots:
        with ThreadPoolExecutor(1) as beside:
            mended = beside.submit(mend, local, holder)
            newer = verb("up", "--yes", checkout=with_volume(tmp_path, busy.NAME))
            mended.result()
        assert newer.returncode == 0, newer.stderr
        assert f"Deploying vote again: the engine could not start it ({BUSY})" in newer.stderr
        assert local.status()["release"]["identity"] != before["identity"]
        done = verb("rollback")
        assert done.returncode == 0, done.stderr
    now = local.wait_healthy(LATE_ANSWER_SECONDS)
    assert now["release"]["identity"] == before["identity"]
    assert refused(ballots) == []


def test_no_service_meets_entries_or_connections_that_it_does_not_know(
    local: LocalStack, voters: Voters, tmp_path: Path
) -> None:
    before = local.status()
    older = copied(tmp_path)
    for path, (newer, former) in OLDER.items():
        text = (older / path).read_text()
        assert newer in text
        (older / path).write_text(text.replace(newer, former))
    with_tls = {"REDIS_TLS": "yes"}  # They cannot talk to the servers that run, either.
    with voting(local, voters) as ballots:
        changes = [verb("up", "--yes", checkout=older, environment=with_tls)]
        between = encrypted(local)
        changes.append(verb("rollback"))
    for done in changes:
        assert done.returncode == 0, done.stderr
        assert "No votes were taken for" in done.stderr
    assert (between, encrypted(local)) == ({True}, {False})
    now = local.wait_healthy(LATE_ANSWER_SECONDS)
    assert now["release"]["identity"] == before["release"]["identity"]
    assert now["queue"]["dead"] == before["queue"]["dead"]
    assert set(refused(ballots)) == {"HTTP 503 from the service"}, Counter(refused(ballots))
