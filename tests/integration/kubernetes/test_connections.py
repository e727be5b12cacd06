"""Who reaches whom in the cluster: exactly the pairs of components that share a network of the stack."""

import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from itertools import combinations
from typing import NamedTuple

import pytest
import yaml

from deployment.configuration.layout import ROOT
from kit.chart import NAMESPACE, Manifest, of_kind, pods, render

SERVICES = yaml.safe_load((ROOT / "stack" / "docker-stack.yaml").read_text())["services"]
# What stands in the chart for services of the stack.
PLAYED_BY = {"pgpool": "postgres", "traefik": "ingress controller"}
NOT_HERE = {"certificates", "docker-proxy", "observer"}
# Nodes of a cluster, and replicas that tell each other how many watch.
AMONG_THEMSELVES = {"redis", "sentinel", "postgres", "result"}
LISTENING = {
    "vote": {8080},
    "result": {8080},
    "redis-proxy": {6379},
    "redis": {6379, 6380},
    "sentinel": {26379, 26380},
    "postgres": {5432, 8000},
    "worker": set(),
}
ALLOWED = {
    ("ingress controller", "vote"): {8080},
    ("ingress controller", "result"): {8080},
    ("ingress controller", "certificate solver"): {8089},
    ("vote", "redis-proxy"): {6379},
    ("worker", "redis-proxy"): {6379},
    ("worker", "postgres"): {5432},
    ("result", "postgres"): {5432},
    ("result", "result"): {8080},
    ("redis-proxy", "redis"): {6379},
    ("redis-proxy", "sentinel"): {26379},
    ("redis", "redis"): {6379, 6380},
    ("redis", "sentinel"): {26379},
    ("sentinel", "redis"): {6379, 6380},
    ("sentinel", "sentinel"): {26379, 26380},
    ("postgres", "postgres"): {5432, 8000},
    ("operator", "postgres"): {5432, 8000},
    # The API server, which may be anywhere.
    ("postgres", "outside"): {443, 6443},
    ("postgres", "another namespace"): {443, 6443},
}
# Pairs that the stack does not have.
HERE_ALONE = {
    frozenset({"operator", "postgres"}),
    frozenset({"postgres", "outside"}),
    frozenset({"postgres", "another namespace"}),
    frozenset({"ingress controller", "certificate solver"}),
}
UNNAMED_PORT = 9
OUTSIDE = "203.0.113.9"

Pair = tuple[str, str]


class Party(NamedTuple):
    """Somebody who may open connections: a pod, or an address outside the cluster."""

    labels: dict[str, str]
    namespace: str | None = NAMESPACE
    address: str | None = None


# Pods of this namespace that the chart does not make.
MADE_BY_OTHERS = {
    "postgres": Party({"cnpg.io/cluster": "postgres"}),
    "certificate solver": Party({"acme.cert-manager.io/http01-solver": "true"}),
    "stranger": Party({}),
}
ELSEWHERE = {
    "ingress controller": Party({}, "traefik"),
    "operator": Party({"app.kubernetes.io/name": "cloudnative-pg"}, "cnpg-system"),
    "the operator's neighbour": Party({}, "cnpg-system"),
    "another namespace": Party({}, "default"),
    "outside": Party({}, None, OUTSIDE),
}
# Besides these, all may ask the name servers.
OUTWARD = ("outside", "another namespace")


@pytest.fixture(scope="module")
def manifests() -> list[Manifest]:
    return render()


def parties(manifests: list[Manifest]) -> dict[str, Party]:
    """Return the pods of this namespace by component."""
    workloads = of_kind(manifests, "Deployment", "StatefulSet", "Job")
    found = {w["metadata"]["name"]: w["spec"]["template"]["metadata"]["labels"] for w in workloads}
    return {re.sub(r"-\d+$", "", name): Party(own) for name, own in found.items()} | MADE_BY_OTHERS


def selects(selector: Manifest, own: dict[str, str]) -> bool:
    wanted: dict[str, str] = selector.get("matchLabels", {})
    return wanted.items() <= own.items()


def meets(peer: Manifest, party: Party) -> bool:
    """Whether a rule's peer is this party."""
    if party.address is not None:
        return "ipBlock" in peer and ip_address(party.address) in ip_network(peer["ipBlock"]["cidr"])
    if "ipBlock" in peer:
        return False
    here = {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}}
    namespace = {"kubernetes.io/metadata.name": party.namespace or ""}
    return selects(peer.get("namespaceSelector", here), namespace) and selects(
        peer.get("podSelector", {}), party.labels
    )


def allows(rules: list[Manifest], side: str, party: Party, port: int) -> bool:
    return any(
        ("ports" not in rule or port in {p["port"] for p in rule["ports"]})
        and (side not in rule or any(meets(peer, party) for peer in rule[side]))
        for rule in rules
    )


def let_through(manifests: list[Manifest]) -> set[Pair]:
    """Return the pairs of which the first may open a connection to the second: both ends must allow it."""
    return {(source, target) for source, target, _ in connections(manifests)}


def connections(manifests: list[Manifest]) -> Iterator[tuple[str, str, int]]:
    here = parties(manifests)
    everybody = here | ELSEWHERE
    inward = [(source, target) for source in everybody for target in here]
    outward = [(source, target) for source in here for target in OUTWARD]
    for source, target in inward + outward:
        leaving = rules(manifests, "egress", everybody[source])
        entering = rules(manifests, "ingress", everybody[target])
        for port in ports(manifests):
            if (source not in here or allows(leaving, "to", everybody[target], port)) and (
                target not in here or allows(entering, "from", everybody[source], port)
            ):
                yield source, target, port


def rules(manifests: list[Manifest], direction: str, party: Party) -> list[Manifest]:
    specs = [policy["spec"] for policy in of_kind(manifests, "NetworkPolicy")]
    return [r for s in specs if selects(s["podSelector"], party.labels) for r in s.get(direction) or []]


def ports(manifests: list[Manifest]) -> set[int]:
    """Return all ports that are listened at or named in a rule, and one that is not."""
    specs = [policy["spec"] for policy in of_kind(manifests, "NetworkPolicy")]
    named = [r for s in specs for direction in ("ingress", "egress") for r in s.get(direction) or []]
    found = {p["port"] for rule in named for p in rule.get("ports", [])}
    return found.union({UNNAMED_PORT}, *LISTENING.values())


def of_the_stack() -> set[frozenset[str]]:
    """Return the pairs of components that share a network of the stack, by the names that they have here."""
    members: dict[str, set[str]] = {}
    for service, spec in SERVICES.items():
        component = re.sub(r"-\d$", "", service)
        for network in spec["networks"]:
            members.setdefault(network, set()).add(PLAYED_BY.get(component, component))
    pairs = {frozenset(pair) for found in members.values() for pair in combinations(sorted(found), 2)}
    return {pair for pair in pairs if not pair & NOT_HERE}


def test_each_may_open_these_connections_and_no_others(manifests: list[Manifest]) -> None:
    found: dict[Pair, set[int]] = {}
    for source, target, port in connections(manifests):
        found.setdefault((source, target), set()).add(port)
    assert found == ALLOWED


def test_exactly_the_pairs_of_the_stack_are_let_through(manifests: list[Manifest]) -> None:
    pairs = {frozenset(pair) for pair in let_through(manifests) if len(set(pair)) == 2}
    assert pairs == of_the_stack() | HERE_ALONE


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
    assert names["to"] == [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
    ]
    assert {(port["protocol"], port["port"]) for port in names["ports"]} == {("UDP", 53), ("TCP", 53)}


def test_every_port_of_a_container_is_known_here(manifests: list[Manifest]) -> None:
    found = {name: {p["containerPort"] for p in pod["containers"][0].get("ports", [])}
             for name, pod in pods(manifests).items()}  # fmt: skip
    assert found == {name: ports for name, ports in LISTENING.items() if name != "postgres"}


@pytest.mark.parametrize(("network", "reached"), [(f"{OUTSIDE}/32", {6443}), ("198.51.100.0/24", set())])
def test_the_database_goes_out_to_the_api_server_alone_where_its_network_is_named(
    network: str, reached: set[int]
) -> None:
    named = render("--set", f"apiServer.cidrs={{{network}}},apiServer.ports={{6443}}")
    assert {c for c in connections(named) if c[1] in OUTWARD} == {
        ("postgres", "outside", port) for port in reached
    }


def test_a_controller_that_is_no_pod_reaches_the_pages_from_its_own_network() -> None:
    named = render("--set", f"ingress.controllerCidrs={{{OUTSIDE}/32}}")
    controller = {c for c in connections(render()) if c[0] == "ingress controller"}
    from_outside = {c for c in connections(named) if c[0] == "outside"}
    assert from_outside == {("outside", target, port) for _, target, port in controller}


def test_the_seed_reaches_the_vote_page_and_nobody_else() -> None:
    seeded = let_through(render("--set", "seed.enabled=true"))
    assert seeded - let_through(render()) == {("seed", "vote")}
