"""Whether the nodes reach each other, and whether networks get into each other's way."""

from collections.abc import Mapping, Sequence

from deployment.plan.doctor.facts import Asked
from deployment.plan.doctor.finding import Finding, Severity, ok, unknown
from deployment.plan.swarm import networks
from deployment.plan.swarm.networks import Network
from deployment.plan.swarm.nodes import Node

# A VXLAN header of an overlay network takes so much of each packet.
VXLAN = 50
USUAL_MTU = 1500
OF_DOCKER = ("docker", "br-", "veth", "lo")


def overlaps(asked: Asked, there: Sequence[Network]) -> Finding | None:
    """Judge the networks of the stack against the routes of a node; None of one that was not asked."""
    if asked.facts is None:
        return None
    name = f"network.overlap.{asked.node}"
    known = networks.routes(asked.facts.routes)
    if found := networks.overlaps(there, known):
        return Finding(
            name,
            Severity.WARNING,
            f"On {asked.node} {'; '.join(found)}.".replace("this machine", asked.node),
            "Clients at such addresses get no answer.",
            f"NETWORK_SUBNETS={networks.suggestion(known)} in stack/.env, then: python3 deploy.py down; "
            "python3 deploy.py up",
        )
    said = (
        f"none of the {len(there)} networks of the stack overlaps a route"
        if there
        else "there is no stack yet"
    )
    return ok(name, f"On {asked.node} {said}.")


def ports(all_asked: Sequence[Asked], names: Mapping[str, str]) -> list[Finding]:
    """Judge what nodes could not connect to; `names` are those of the nodes that are ready, by address."""
    heard = [each for each in all_asked if each.facts is not None]
    if len(names) < 2:
        return []
    return [_ports(each, names) for each in heard]


def _ports(asked: Asked, names: Mapping[str, str]) -> Finding:
    name, closed = f"ports.{asked.node}", asked.facts.closed if asked.facts else ()
    if not closed:
        return ok(
            name, f"{asked.node} reaches all others that are ready, at 2377/tcp (managers) and 7946/tcp."
        )
    said = ", ".join(f"{names.get(a.rpartition(':')[0], a)} at {a.rpartition(':')[2]}/tcp" for a in closed)
    return Finding(
        name,
        Severity.CRITICAL,
        f"{asked.node} does not reach {said}.",
        "Without these ports nodes lose sight of each other, and containers on them, too.",
        "open 2377/tcp, 7946/tcp and udp, and 4789/udp between the nodes",
    )


def mesh(
    nodes: Sequence[Node], reached: Mapping[str, Sequence[str]] | None, problem: str = ""
) -> list[Finding]:
    """Judge which nodes exchange large packets; `reached` are IDs of nodes, by that of the one that asked."""
    there = [node for node in nodes if node.usable]
    if len(there) < 2:
        return []
    if reached is None:
        return [unknown("network.mesh", f"Nobody could try whether containers reach each other: {problem}.")]
    names = {node.id: node.name for node in there}
    return [_mesh(each, names, reached.get(each.id)) for each in there]


def _mesh(node: Node, names: Mapping[str, str], reached: Sequence[str] | None) -> Finding:
    name = f"network.mesh.{node.name}"
    if reached is None:
        return unknown(name, f"A container on {node.name} did not say which others it reaches.")
    missing = [other for identifier, other in names.items() if identifier not in (node.id, *reached)]
    if not missing:
        return ok(name, f"A container on {node.name} exchanges large packets with all other nodes.")
    return Finding(
        name,
        Severity.CRITICAL,
        f"A container on {node.name} exchanges no large packets with {', '.join(missing)}.",
        "Votes and their copies cannot pass. 4789/udp is closed, or the packets are too large for the way; "
        "with NETWORK_ENCRYPTION, ESP may be closed.",
        "open 4789/udp between the nodes, and with NETWORK_ENCRYPTION protocol 50 (ESP); "
        "compare `ip link` (MTU) on both",
    )


def mtu(all_asked: Sequence[Asked]) -> list[Finding]:
    """Judge the largest packets of the nodes' interfaces: overlay networks expect the usual 1500 bytes."""
    return [_mtu(each) for each in all_asked if each.facts is not None]


def _mtu(asked: Asked) -> Finding:
    sizes = asked.facts.mtu if asked.facts else {}
    small = {i: n for i, n in sizes.items() if not i.startswith(OF_DOCKER) and n < USUAL_MTU}
    name = f"mtu.{asked.node}"
    if not small:
        return ok(name, f"The interfaces of {asked.node} take packets of {USUAL_MTU} bytes.")
    said = ", ".join(f"{interface} {size}" for interface, size in small.items())
    return Finding(
        name,
        Severity.INFO,
        f"Interfaces of {asked.node} take smaller packets than {USUAL_MTU} bytes: {said}.",
        "If another node is behind one of them, large packets between containers are lost: an overlay "
        f"network sends up to {USUAL_MTU - VXLAN} bytes of a container, and its own {VXLAN}.",
        "ip link show",
    )
