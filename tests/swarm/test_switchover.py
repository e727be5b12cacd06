"""Both primaries move while people vote; a machine learns how to join, and what it carries."""

import json
from collections.abc import Iterator

import pytest

from deployment.configuration.settings import Settings
from kit.local import LocalStack, running, verb
from swarm.electorate import electorate, longest_silence, refused, voting
from swarm.voters import Voters
from vote.writer import DEADLINE_SECONDS

LINES = {"postgres": "PostgreSQL", "redis": "Redis"}


@pytest.fixture(scope="module")
def local() -> LocalStack:
    return running()


@pytest.fixture(scope="module")
def voters(local: LocalStack, chosen: Settings) -> Iterator[Voters]:
    with electorate(chosen) as found:
        yield found


def test_both_primaries_move_and_no_vote_is_lost_or_refused(local: LocalStack, voters: Voters) -> None:
    before = local.status()
    former = {cluster: before[cluster]["primary"] for cluster in LINES}
    # The last by name: without a wish the first would be as good.
    heirs = {c: max({f"{c}-{slot}" for slot in (1, 2, 3)} - {former[c]}) for c in LINES}
    with voting(local, voters) as ballots:
        for cluster, line in LINES.items():
            done = verb("switchover", cluster, heirs[cluster])
            assert done.returncode == 0, done.stderr
            assert f"Before: {line}: {former[cluster]} (primary)" in done.stderr
            assert f"After:  {line}: {heirs[cluster]} (primary)" in done.stderr
    gone, silence = refused(ballots), longest_silence(ballots)
    print(
        f"{len(ballots)} votes sent, {len(gone)} refused {gone}, {silence:.1f} s without an acknowledgement"
    )
    # A machine so busy that votes wait longer than they try refuses some, and says so.
    assert not gone or silence >= DEADLINE_SECONDS, gone
    now = local.status()
    assert {cluster: now[cluster]["primary"] for cluster in LINES} == heirs
    assert now["release"] == before["release"]
    again = verb("switchover", "redis", heirs["redis"])
    assert (again.returncode, "Nothing to do" in again.stderr) == (0, True), again.stderr


def test_a_machine_learns_how_to_join_and_the_log_does_not_learn_the_token(local: LocalStack) -> None:
    told = verb("nodes", "join", "--worker").stdout
    token = local.client.swarm.attrs["JoinTokens"]["Worker"]
    assert f"docker swarm join --token {token} " in told
    logged = verb("audit-log").stdout
    assert "showed the command for a worker" in logged
    assert token not in logged


def test_a_program_learns_what_a_machine_carries(local: LocalStack) -> None:
    [node] = json.loads(verb("nodes", "list", "--json").stdout)
    own = local.client.info()
    assert node.pop("disk_free_mib") > 0
    assert node == {
        "name": own["Name"],
        "id": own["Swarm"]["NodeID"],
        "role": "manager",
        "state": "ready",
        "availability": "active",
        "engine": own["ServerVersion"],
        "slots": [1, 2, 3],
        "edge": True,
        "primaries": sorted(LINES),
    }
