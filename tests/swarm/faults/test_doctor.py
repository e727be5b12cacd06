"""What the doctor says of several machines: nothing is wrong with them, until one does not hear another."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from kit.waiting import wait_until
from swarm import findings
from swarm.cluster import Cluster
from swarm.findings import ATTEMPTS, Found
from swarm.lab import power
from swarm.lab.lab import Node
from swarm.stage import Stage

OF_EACH = ("clock", "disk", "files", "mtu", "network.mesh", "network.overlap", "nodes", "ports", "userns")
# As iptables names packets of nodes, and of overlay networks.
GOSSIP, OVERLAY = "-p tcp --dport 7946", "-p udp --dport 4789"
LOST_SECONDS = 60


@pytest.fixture
def cluster(stage: Stage) -> Cluster:
    """The lab at full strength, while nobody votes."""
    stage.cluster.wait_healthy()
    return stage.cluster


def examined(node: Node) -> Found:
    """Run it on a node until it could ask for everything."""
    for _ in range(ATTEMPTS):
        with power.deploying(node, "doctor", "--json", stdout=subprocess.PIPE) as process:
            found = findings.read(process.communicate()[0])
        if findings.whole(found):
            break
    return found


@contextmanager
def closed(cluster: Cluster, node: Node, other: Node, packets: str) -> Iterator[None]:
    """Lose what another node sends of some kind."""
    cluster.cut_off(node, [other.address], one_way=True, packets=packets)
    try:
        yield
    finally:
        cluster.heal(node)


def test_each_machine_is_looked_at_and_none_is_found_fault_with(cluster: Cluster) -> None:
    found = examined(cluster.lab.nodes[1])
    assert findings.of_stack(found) == {}
    assert {f"{what}.{node.name}" for what in OF_EACH for node in cluster.lab.nodes} <= found.keys()


def test_a_port_that_is_closed_between_two_machines_is_found(cluster: Cluster) -> None:
    asked, one, other = cluster.lab.nodes[:3]
    with closed(cluster, other, one, GOSSIP):
        bad = findings.of_stack(examined(asked))
    assert bad.pop(f"ports.{one.name}") == f"{one.name} does not reach {other.name} at 7946/tcp."
    # Engines tell each other by that port where containers are. What does not arrive is found, too.
    assert all(name.startswith("network.mesh.") for name in bad)


@pytest.mark.long
def test_machines_whose_containers_do_not_reach_each_other_are_found(cluster: Cluster) -> None:
    asked, one, other = cluster.lab.nodes[:3]
    with closed(cluster, other, one, OVERLAY):
        bad = findings.of_stack(examined(asked))
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
        wait_until(
            lambda: f"{away.name} is down." in findings.of_stack(examined(asked)).values(), LOST_SECONDS
        )
    finally:
        away.start()
    cluster.wait_healthy()
