"""What the doctor says of several machines: nothing is wrong with them, until one does not hear another."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from kit.waiting import wait_until
from swarm.cluster import Cluster
from swarm.lab import power
from swarm.lab.lab import Node
from swarm.stage import Stage
from swarm.test_doctor import ATTEMPTS, OF_MACHINE

OF_EACH = ("clock", "disk", "files", "mtu", "network.mesh", "network.overlap", "nodes", "ports", "userns")
GOSSIP, OVERLAY = ("tcp", 7946), ("udp", 4789)
LOST_SECONDS = 60


@pytest.fixture
def cluster(stage: Stage) -> Cluster:
    """The lab at full strength, while nobody votes."""
    stage.cluster.wait_healthy()
    return stage.cluster


def examined(node: Node) -> tuple[set[str], dict[str, str]]:
    """Run it on a node until it could ask for everything; return the ids of all findings, and what is bad."""
    for _ in range(ATTEMPTS):
        with power.deploying(node, "doctor", "--json", stdout=subprocess.PIPE) as process:
            found = json.loads(process.communicate()[0])
        if not any(each["severity"] == "unknown" for each in found):
            break
    worse = [each for each in found if each["severity"] not in ("ok", "info")]
    return (
        {each["id"] for each in found},
        {each["id"]: each["what"] for each in worse if not each["id"].startswith(OF_MACHINE)},
    )


@contextmanager
def closed(node: Node, other: Node, protocol: str, port: int) -> Iterator[None]:
    """Lose what another node sends to a port."""
    rule = (
        "INPUT",
        "--source",
        other.address,
        "--protocol",
        protocol,
        "--dport",
        str(port),
        "--jump",
        "DROP",
    )
    node.run("iptables", "--wait", "--insert", *rule)
    try:
        yield
    finally:
        node.run("iptables", "--wait", "--delete", *rule)


def test_each_machine_is_looked_at_and_none_is_found_fault_with(cluster: Cluster) -> None:
    ids, bad = examined(cluster.lab.nodes[1])
    assert bad == {}
    assert {f"{what}.{node.name}" for what in OF_EACH for node in cluster.lab.nodes} <= ids


def test_a_port_that_is_closed_between_two_machines_is_found(cluster: Cluster) -> None:
    asked, one, other = cluster.lab.nodes[:3]
    with closed(other, one, *GOSSIP):
        _, bad = examined(asked)
    assert bad == {f"ports.{one.name}": f"{one.name} does not reach {other.name} at 7946/tcp."}


@pytest.mark.long
def test_machines_whose_containers_do_not_reach_each_other_are_found(cluster: Cluster) -> None:
    asked, one, other = cluster.lab.nodes[:3]
    with closed(other, one, *OVERLAY):
        _, bad = examined(asked)
    cluster.wait_healthy()
    assert f"network.mesh.{one.name}" in bad
    assert f"no large packets with {other.name}." in bad[f"network.mesh.{one.name}"]
    assert not any(name.startswith("ports.") for name in bad)


@pytest.mark.long
def test_a_machine_that_is_away_is_found(cluster: Cluster) -> None:
    asked, _, away = cluster.lab.nodes[:3]
    away.kill()
    try:
        # While another leader is elected it is "unknown".
        wait_until(lambda: f"{away.name} is down." in examined(asked)[1].values(), LOST_SECONDS)
    finally:
        away.start()
    cluster.wait_healthy()
