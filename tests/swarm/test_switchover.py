"""Primaries move while people vote, and whoever asks for what would cost redundancy is refused."""

from collections.abc import Iterator

import pytest

from deployment.configuration.settings import Settings
from kit.local import LocalStack, running, verb
from swarm.electorate import electorate, refused, voting
from swarm.voters import Voters

LINES = {"postgres": "PostgreSQL", "redis": "Redis"}


@pytest.fixture(scope="module")
def local() -> LocalStack:
    return running()


@pytest.fixture(scope="module")
def voters(local: LocalStack, chosen: Settings) -> Iterator[Voters]:
    with electorate(chosen) as found:
        yield found


@pytest.mark.parametrize("cluster", ["postgres", "redis"])
def test_a_primary_moves_and_no_vote_is_refused_or_lost(
    local: LocalStack, voters: Voters, cluster: str
) -> None:
    before = local.status()
    former = before[cluster]["primary"]
    # The last by name: without a wish the first would be as good.
    heir = max({f"{cluster}-{slot}" for slot in (1, 2, 3)} - {former})
    with voting(local, voters) as ballots:
        done = verb("switchover", cluster, heir)
    assert done.returncode == 0, done.stderr
    assert f"Before: {LINES[cluster]}: {former} (primary)" in done.stderr
    assert f"After:  {LINES[cluster]}: {heir} (primary)" in done.stderr
    assert refused(ballots) == []
    again = verb("switchover", cluster, heir)
    assert (again.returncode, "Nothing to do" in again.stderr) == (0, True), again.stderr
    now = local.status()
    assert now["healthy"], now["missing"]
    assert now[cluster]["primary"] == heir
    assert now["release"] == before["release"]


def test_nothing_moves_to_a_node_that_there_is_not(local: LocalStack) -> None:
    before = local.status()["redis"]["primary"]
    done = verb("switchover", "redis", "redis-7")
    assert done.returncode == 1
    assert "redis-7 is no node of Redis" in done.stderr
    assert local.status()["redis"]["primary"] == before


def test_the_only_machine_is_not_drained(local: LocalStack) -> None:
    (node,) = local.status()["nodes"]
    assert node["name"] in verb("nodes", "list").stdout
    done = verb("nodes", "drain", node["name"])
    assert done.returncode == 1
    assert "is the only manager that takes containers" in done.stderr
    assert "Nothing was changed" in done.stderr
    assert local.status()["nodes"] == [node]


def test_a_machine_learns_how_to_join_and_the_log_does_not_learn_the_token(local: LocalStack) -> None:
    told = verb("nodes", "join", "--worker").stdout
    token = local.client.swarm.attrs["JoinTokens"]["Worker"]
    assert f"docker swarm join --token {token} " in told
    logged = verb("audit-log").stdout
    assert "showed the command for a worker" in logged
    assert token not in logged
