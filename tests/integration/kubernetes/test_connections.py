"""Who reaches whom in the cluster: exactly the pairs of components that share a network of the stack."""

import re
from collections.abc import Iterator
from itertools import combinations

import pytest
import yaml

from deployment.configuration.layout import ROOT
from kit.chart import Manifest, of_kind, pods, render

SERVICES = yaml.safe_load((ROOT / "stack" / "docker-stack.yaml").read_text())["services"]
# What stands in the chart for services of the stack.
PLAYED_BY = {"pgpool": "postgres", "traefik": "ingress controller"}
NOT_HERE = {"certificates", "docker-proxy", "observer"}
# Nodes of a cluster, and replicas that tell each other how many watch.
AMONG_THEMSELVES = {"redis", "sentinel", "postgres", "result"}
POSTGRES = {"cnpg.io/cluster": "postgres"}
LISTENING = {
    "vote": {8080},
    "result": {8080},
    "redis-proxy": {6379},
    "redis": {6379, 6380},
    "sentinel": {26379, 26380},
    "postgres": {5432, 8000},
    "worker": set(),
}
NAMESPACES = {"ingress controller": "traefik", "operator": "cnpg-system"}

Pair = tuple[str, str]


@pytest.fixture(scope="module")
def manifests() -> list[Manifest]:
    return render()


def labels(manifests: list[Manifest]) -> dict[str, dict[str, str]]:
    """Return the labels of all pods by component, with those that the operator makes."""
    workloads = of_kind(manifests, "Deployment", "StatefulSet", "Job")
    found = {w["metadata"]["name"]: w["spec"]["template"]["metadata"]["labels"] for w in workloads}
    return {re.sub(r"-\d+$", "", name): own for name, own in found.items()} | {"postgres": POSTGRES}


def selects(selector: Manifest, own: dict[str, str]) -> bool:
    wanted: dict[str, str] = selector.get("matchLabels", {})
    return wanted.items() <= own.items()


def meets(peer: Manifest, component: str, own: dict[str, str] | None) -> bool:
    """Whether a rule's peer is a component: one of these pods, or whoever is in another namespace."""
    if "namespaceSelector" in peer:
        name: str = peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        return NAMESPACES.get(component) == name
    return own is not None and selects(peer["podSelector"], own)


def allows(rules: list[Manifest], side: str, component: str, own: dict[str, str] | None, port: int) -> bool:
    return any(
        port in {p["port"] for p in rule["ports"]}
        and (side not in rule or any(meets(peer, component, own) for peer in rule[side]))
        for rule in rules
    )


def let_through(manifests: list[Manifest]) -> set[Pair]:
    """Return the pairs of which the first may open a connection to the second: both ends must allow it."""
    return {(source, target) for source, target, _ in connections(manifests)}


def connections(manifests: list[Manifest]) -> Iterator[tuple[str, str, int]]:
    specs = [policy["spec"] for policy in of_kind(manifests, "NetworkPolicy")]
    known = labels(manifests)
    for target, own in known.items():
        entering = [r for s in specs if selects(s["podSelector"], own) for r in s.get("ingress") or []]
        for source in [*known, *NAMESPACES]:
            theirs = known.get(source)
            leaving = [r for s in specs if theirs and selects(s["podSelector"], theirs) for r in s["egress"]]
            for port in LISTENING.get(target, set()):
                out = theirs is None or allows(leaving, "to", target, own, port)
                if out and allows(entering, "from", source, theirs, port):
                    yield source, target, port


def of_the_stack() -> set[frozenset[str]]:
    """Return the pairs of components that share a network of the stack, by the names that they have here."""
    members: dict[str, set[str]] = {}
    for service, spec in SERVICES.items():
        component = re.sub(r"-\d$", "", service)
        for network in spec["networks"]:
            members.setdefault(network, set()).add(PLAYED_BY.get(component, component))
    pairs = {frozenset(pair) for found in members.values() for pair in combinations(sorted(found), 2)}
    return {pair for pair in pairs if not pair & NOT_HERE}


def test_exactly_the_pairs_of_the_stack_are_let_through(manifests: list[Manifest]) -> None:
    pairs = {frozenset(pair) for pair in let_through(manifests) if len(set(pair)) == 2}
    assert pairs == of_the_stack() | {frozenset({"operator", "postgres"})}


def test_only_nodes_of_a_cluster_and_replicas_that_count_viewers_speak_among_themselves(
    manifests: list[Manifest],
) -> None:
    assert {a for a, b in let_through(manifests) if a == b} == AMONG_THEMSELVES


def test_of_two_components_one_calls_the_other(manifests: list[Manifest]) -> None:
    called = {pair for pair in let_through(manifests) if pair[0] != pair[1]}
    both_ways = {frozenset((a, b)) for a, b in called if (b, a) in called}
    assert both_ways == {frozenset({"redis", "sentinel"})}


def test_the_queue_and_the_database_are_reached_by_those_alone_who_need_them(
    manifests: list[Manifest],
) -> None:
    callers = {target: {a for a, b in let_through(manifests) if b == target} for target in LISTENING}
    assert callers["redis"] == {"redis", "sentinel", "redis-proxy"}
    assert callers["postgres"] == {"postgres", "worker", "result", "operator"}
    assert callers["worker"] == set()


def test_who_has_no_policy_of_its_own_is_shut_off_and_may_ask_for_names(manifests: list[Manifest]) -> None:
    (default,) = [p["spec"] for p in of_kind(manifests, "NetworkPolicy") if not p["spec"]["podSelector"]]
    assert default["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in default
    (names,) = default["egress"]
    assert {(port["protocol"], port["port"]) for port in names["ports"]} == {("UDP", 53), ("TCP", 53)}


def test_every_port_of_a_container_is_known_here(manifests: list[Manifest]) -> None:
    found = {name: {p["containerPort"] for p in pod["containers"][0].get("ports", [])}
             for name, pod in pods(manifests).items()}  # fmt: skip
    assert found == {name: ports for name, ports in LISTENING.items() if name != "postgres"}


def test_the_seed_reaches_the_vote_page_and_nobody_else() -> None:
    seeded = let_through(render("--set", "seed.enabled=true"))
    assert seeded - let_through(render()) == {("seed", "vote")}
