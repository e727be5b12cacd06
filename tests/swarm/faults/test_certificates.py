"""Certificates of an ACME server on three edges: first issue, and renewal while node after node is lost.

The server asks the first address that DNS gives. What becomes of an order while a node is off depends on
that: where DNS names its address behind others, the order succeeds, with a warning; where DNS names it first,
the order fails, and is made again.
"""

import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from subprocess import CalledProcessError

import pytest

from deployment.plan.cluster.picture import Certificates
from deployment.progress import Progress
from kit.acme_gate import FINALIZE, NEW_ORDER, Gate, gate_before
from kit.pebble import DnsServer, acme_server, dns_server
from kit.waiting import wait_until
from swarm.cluster import UNREACHABLE, Cluster
from swarm.handshakes import ANSWER_SECONDS, Handshake, Visitors, counted
from swarm.lab import lab as laboratory
from swarm.lab import power
from swarm.lab.lab import NAME, REGISTRY, Lab, Node

DOMAIN = "example.test"
HOSTS = (f"vote.{DOMAIN}", f"result.{DOMAIN}")
# A node is lost and back within it, on two busy cores, too. Renewal begins when half of it is left.
LIFE_SECONDS = 300
# So long before a renewal is due.
EARLY_SECONDS = 20
RECOVERY_SECONDS = 240
# An observer looks each second.
FRESH_SECONDS = 15


@dataclass
class World:
    """The lab, an ACME server behind a gate and its DNS, the visitors, and what happened when."""

    lab: Lab
    gate: Gate
    dns: DnsServer
    visitors: Visitors
    began: float = field(default_factory=time.monotonic)
    notes: list[tuple[float, str]] = field(default_factory=list)
    absences: list[tuple[Node, float, float]] = field(default_factory=list)

    @property
    def cluster(self) -> Cluster:
        return Cluster(self.lab)

    @property
    def orders(self) -> int:
        """How many orders reached the ACME server."""
        return self.gate.count(NEW_ORDER)

    def note(self, what: str) -> None:
        self.notes.append((time.monotonic(), what))

    def lead_to(self, *nodes: Node) -> None:
        """Let DNS name the addresses of nodes, in this order."""
        for host in HOSTS:
            self.dns.forget(host)
            self.dns.add_addresses(host, *(node.address for node in nodes))
        self.note(f"DNS names {', '.join(node.name for node in nodes)}")

    def others(self, *without: Node) -> list[Node]:
        """Return all nodes but these."""
        return [node for node in self.lab.nodes if node not in without]

    def rows(self, statement: str) -> list[list[str]]:
        """Ask the database; nothing while it cannot be asked."""
        try:
            return self.cluster.sql(statement)
        except (CalledProcessError, LookupError, *UNREACHABLE):
            return []

    def status(self) -> Certificates:
        """Return what an operator is shown."""
        try:
            found = self.cluster.picture().certificates
        except UNREACHABLE:
            found = None
        return found or Certificates()

    def outcomes(self) -> list[str]:
        """Return how every order ended."""
        return [row[0] for row in self.rows("SELECT outcome FROM certificates.orders ORDER BY id")]

    def describe(self) -> str:
        """Say what an operator is shown, what the database has, and what the cluster is."""
        kept = self.rows("SELECT problem, next_try FROM certificates.status")
        return f"{self.status()}; {kept}; {self.outcomes()}; {self.cluster.describe()}"

    def issuer(self) -> Node:
        """Return the node whose copy has the lease."""
        holder = self.cluster.sql("SELECT holder FROM certificates.lease")[0][0]
        copies = self.cluster.containers("certificates")
        return next(copy.node for copy in copies if holder.startswith(copy.id[:12]))

    def next_victim(self) -> Node:
        """Return a node that was not lost yet: the issuer's, if it may be."""
        lost = [node for node, _, _ in self.absences]
        issuer = self.issuer()
        return issuer if issuer not in lost else self.others(*lost)[0]

    def wait_for_renewal(self) -> None:
        """Return some seconds before a renewal is due."""
        while (left := self._seconds_left()) < EARLY_SECONDS:
            time.sleep(1)
        time.sleep(left - EARLY_SECONDS)

    def _seconds_left(self) -> float:
        at = self.status().renew_at
        return (datetime.fromisoformat(at) - datetime.now(UTC)).total_seconds() if at else 0

    def switch_off(self, node: Node) -> None:
        node.kill()
        self.absences.append((node, time.monotonic(), float("inf")))
        self.note(f"{node.name} is off")

    def switch_on(self, node: Node) -> None:
        """Bring a node back, and wait for full strength."""
        off = self.absences[-1][1]
        node.start()
        started = time.monotonic()
        self.note(f"{node.name} is on")
        whole = self.cluster.wait_healthy(RECOVERY_SECONDS)
        back = self.visitors.first_valid(node.address, started) or whole
        self.notes.append((back, f"{node.name} lets visitors in, {back - started:.0f} s later"))
        self.notes.append((whole, "the stack is at full strength"))
        self.absences[-1] = (node, off, whole)

    def wait_renewed(self, former: str, *nodes: Node, seconds: float = LIFE_SECONDS) -> str:
        """Return the new certificate's number once all of these nodes show it."""
        edges = [node.address for node in nodes]

        def new() -> str | None:
            found = self.visitors.shown(edges)
            return found if found != former else None

        serial = wait_until(new, seconds, lambda: f"{self.status()}; {self.outcomes()}")
        assert serial
        self.note(f"{', '.join(node.name for node in nodes)} show …{serial[-6:]}")
        return serial

    def met_in_service(self, node: Node, kind: str) -> list[Handshake]:
        """Return such handshakes since a node's first valid one, but while it was off or starting."""
        first = self.visitors.first_valid(node.address)
        assert first
        away = [(since, until) for one, since, until in self.absences if one == node]
        return [
            one
            for one in self.visitors.at(node.address, first)
            if one.kind == kind
            and not any(since - ANSWER_SECONDS <= one.began <= until for since, until in away)
        ]

    def the_certificate(self) -> str:
        """Return the number of the one certificate that every edge shows."""
        found = wait_until(lambda: self.visitors.shown(self.visitors.edges), 30)
        assert found
        return found


@pytest.fixture(scope="module")
def empty(alone: None) -> Iterator[Lab]:
    """A lab without a stack, and so without any certificate."""
    if laboratory.current():
        pytest.skip("needs a lab of its own: python3 deploy.py lab down")
    try:
        yield power.start(Progress(), laboratory.USUAL_SIZE)
    finally:
        power.down(Progress())


@pytest.fixture(scope="module")
def world(
    empty: Lab, say: Callable[[str], None], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("acme")
    edges = [node.address for node in empty.nodes]
    with (
        dns_server(NAME) as dns,
        acme_server(dns.address, NAME, lifetime_seconds=LIFE_SECONDS) as acme,
        gate_before(acme, NAME, folder) as gate,
        pytest.MonkeyPatch.context() as environment,
    ):
        trust = ssl.create_default_context(cadata=gate.trusted)
        environment.setenv("DOMAIN", DOMAIN)
        environment.setenv("ACME_EMAIL", f"somebody@{DOMAIN}")
        environment.setenv("ACME_SERVER", gate.directory)
        environment.setenv("ACME_CA_FILE", str(folder / "authorities.pem"))
        environment.setenv("ACME_DNS", ":".join(map(str, dns.server)))
        with Visitors(edges, 443, HOSTS, trust) as visitors:
            made = World(empty, gate, dns, visitors)
            yield made
        say("\n".join(table(made)))


def table(world: World) -> list[str]:
    """Say what happened when, and what visitors met from each moment to the next, at each edge."""
    notes = [*sorted(world.notes), (time.monotonic(), "the end")]
    names = " | ".join(node.name for node in world.lab.nodes)
    lines = [f"| s | what | {names} |", "|---:|---|---:|---:|---:|"]
    for (moment, what), (until, _) in pairwise(notes):
        met = [counted(world.visitors.at(edge, moment, until)) for edge in world.visitors.edges]
        lines.append(f"| {moment - world.began:.0f} | {what} | {' | '.join(met)} |")
    whole = [counted(world.visitors.at(edge)) for edge in world.visitors.edges]
    end = notes[-1][0] - world.began
    lines.append(f"| {end:.0f} | in all, valid/invalid/refused | {' | '.join(whole)} |")
    return [*lines, f"{world.orders} orders: {', '.join(world.outcomes())}"]


def test_three_edges_get_the_first_certificate(world: World) -> None:
    world.lead_to(*world.lab.nodes)
    world.note("`up`, with no certificate anywhere")
    with power.deploying(world.lab.nodes[0], "up", "--registry", REGISTRY, "--yes") as process:
        assert process.wait() == 0
    world.note("`up` has ended")
    for node in world.lab.nodes:
        first = world.visitors.first_valid(node.address)
        assert first
        world.notes.append((first, f"{node.name} shows its first valid certificate"))
    assert world.the_certificate()
    assert world.orders == len(world.visitors.serials())
    assert not world.status().problem


def test_the_issuer_is_lost_during_an_order(world: World) -> None:
    """Another copy goes on with its order: nobody makes a second one."""
    world.wait_for_renewal()
    former, orders, finalized = world.the_certificate(), world.orders, world.gate.count(FINALIZE)
    node = world.issuer()
    with world.gate.holding(FINALIZE):
        wait_until(lambda: world.gate.count(FINALIZE) > finalized, LIFE_SECONDS)
        world.note(f"the order of {node.name} is finalized, the answer is held back")
        world.switch_off(node)
    serial = world.wait_renewed(former, *world.others(node))
    assert world.orders == orders + 1
    world.switch_on(node)
    assert world.the_certificate() == serial


def test_a_node_is_off_and_dns_names_it_last(world: World) -> None:
    """It is found silent: a warning and one order, and the server asks another address."""
    world.wait_for_renewal()
    former, orders, node = world.the_certificate(), world.orders, world.next_victim()
    world.lead_to(*world.others(node), node)
    world.switch_off(node)
    serial = world.wait_renewed(former, *world.others(node))
    assert world.orders == orders + 1
    warning = world.status().warning
    world.note(f"warning: {warning}")
    assert all(f"A {node.address} of {host}" in warning for host in HOSTS)
    assert not any(other.address in warning for other in world.others(node))
    world.switch_on(node)
    assert world.the_certificate() == serial


def test_a_node_is_off_and_dns_names_it_first(world: World) -> None:
    """The server asks nobody else: that order fails, and the next one finds what DNS says by then."""
    world.wait_for_renewal()
    former, orders, node = world.the_certificate(), world.orders, world.next_victim()
    world.lead_to(node, *world.others(node))
    world.switch_off(node)
    # Before that, no order is made while an edge that has just lost a copy of the issuer answers 503.
    wait_until(lambda: "invalid" in world.outcomes(), LIFE_SECONDS / 2, world.describe)
    problem = wait_until(lambda: world.status().problem, FRESH_SECONDS, world.describe)
    world.note(f"problem: {problem}")
    world.lead_to(*world.others(node))
    serial = world.wait_renewed(former, *world.others(node))
    assert world.orders == orders + 2
    wait_until(lambda: not world.status().problem)
    world.switch_on(node)
    world.lead_to(*world.lab.nodes)
    assert world.the_certificate() == serial


def test_no_certificate_was_ordered_in_vain(world: World) -> None:
    outcomes = world.outcomes()
    assert {node for node, _, _ in world.absences} == set(world.lab.nodes)
    assert len(outcomes) == world.orders
    assert outcomes.count("invalid") == 1
    assert outcomes.count("issued") == world.orders - 1 == len(world.visitors.serials())


def test_no_visitor_met_an_invalid_certificate_after_the_first_valid_one(world: World) -> None:
    """But for an edge that was starting: until it has asked for the certificate it shows one of its own."""
    assert [one for edge in world.lab.nodes for one in world.met_in_service(edge, "invalid")] == []


def test_only_nodes_that_were_off_or_starting_refused_visitors(world: World) -> None:
    assert [one for edge in world.lab.nodes for one in world.met_in_service(edge, "refused")] == []
