"""What a fault would cost on the nodes as they are, in sentences that a user can act on."""

from collections.abc import Mapping, Sequence

from deployment.configuration.layout import EDGE_LABEL, SLOT_LABELS, STACK
from deployment.plan.swarm.nodes import Node

# With fewer managers than this a Swarm cannot do without any of them.
ENOUGH_MANAGERS = 3
# What the nodes of a Swarm must reach each other at.
PORTS = "2377/tcp, 7946/tcp and udp, and 4789/udp"
NUMBERS = ("No", "One", "Two", "Three")


def of(nodes: Sequence[Node]) -> list[str]:
    """Return the weaknesses, the worst first; none where any one node may be lost."""
    if len(nodes) <= 1:
        return ["One machine: the stack does not survive the loss of this machine."] if nodes else []
    return [*_slots(nodes), *_idle(nodes), *_doubled(nodes), *_managers(nodes), *_edge(nodes)]


def crowded(nodes: Sequence[Node], placed: Mapping[str, Sequence[str]]) -> list[str]:
    """Say which services have all their tasks on one node, though others would take some.

    `placed` maps a service with several replicas to the IDs of the nodes that its running tasks are on. Swarm
    moves no task by itself to a node that is back.
    """
    usable = [node for node in nodes if node.usable]
    if len(usable) < 2:
        return []
    names = {node.id: node.name for node in nodes}
    alone = {name: ids[0] for name, ids in sorted(placed.items()) if len(ids) > 1 and len(set(ids)) == 1}
    by_node = {node: [name for name, on in alone.items() if on == node] for node in alone.values()}
    return [
        f"Every {_listed(services)} runs on {names.get(node, node)}: with it all are away for some seconds. "
        "Spread them: " + " && ".join(f"docker service update --force {STACK}_{name}" for name in services)
        for node, services in by_node.items()
    ]


def _listed(names: Sequence[str]) -> str:
    return " and every ".join(filter(None, [", every ".join(names[:-1]), names[-1]]))


def mute(nodes: Sequence[Node], running: bool, absent: Sequence[str]) -> list[str]:
    """Say what keeps containers from each other that all run, where there are several nodes."""
    if not running or not absent or len(nodes) < 2:
        return []
    return [f"Every container runs, yet {', '.join(absent)} cannot be heard. {ports(nodes)}"]


def ports(nodes: Sequence[Node]) -> str:
    """Ask what must be open between the nodes, where there are several."""
    return f"Do the nodes reach each other at {PORTS}?" if len(nodes) > 1 else ""


def _slots(nodes: Sequence[Node]) -> list[str]:
    carriers = [node for node in nodes if node.slots]
    absent = [n for n, label in enumerate(SLOT_LABELS, 1) if not any(label in c.labels for c in carriers)]
    if absent:
        numbers = ", ".join(map(str, absent))
        return [
            f"No node carries slot {numbers}: what belongs there cannot run. "
            "If `nodes move` was interrupted, run that again. Otherwise run `up`."
        ]
    fullest = max(carriers, key=lambda node: len(node.slots))
    if len(fullest.slots) == len(SLOT_LABELS):
        said = (
            f"All three slots are on {fullest.name}: while it is away nobody can vote, "
            "and if its disk is lost, so are the votes."
        )
    elif len(carriers) < len(SLOT_LABELS):
        said = (
            f"Two of the three slots are on {fullest.name}: while it is away no vote is acknowledged, "
            "and if its disk is lost, the latest votes may be lost with it."
        )
    else:
        return []
    return [said, *_move(nodes, fullest)]


def _move(nodes: Sequence[Node], fullest: Node) -> list[str]:
    """Say how a slot gets to a node that has none."""
    free = [node for node in nodes if node.usable and not node.slots]
    if not free:
        return ["Three nodes with a slot each are needed to survive the loss of any one of them."]
    return [f"To move a slot: `python3 deploy.py nodes move {fullest.slots[-1]} {free[0].name}`."]


def _doubled(nodes: Sequence[Node]) -> list[str]:
    holders = {label: [node.name for node in nodes if label in node.labels] for label in SLOT_LABELS}
    return [
        f"{label} is on {' and '.join(names)}: its parts may move between them, away from their data. "
        "Remove it from all but one."
        for label, names in holders.items()
        if len(names) > 1
    ]


def _idle(nodes: Sequence[Node]) -> list[str]:
    """Name the nodes that carry slots and take no containers because somebody said so."""
    return [
        f"{node.name} is on {node.availability}: what belongs to its slot {', '.join(map(str, node.slots))} "
        f"does not run. `python3 deploy.py nodes activate {node.name}` undoes that."
        for node in nodes
        if node.slots and node.availability != "active"
    ]


def _managers(nodes: Sequence[Node]) -> list[str]:
    managers = [node for node in nodes if node.manager and node.ready]
    if len(managers) >= ENOUGH_MANAGERS:
        return []
    which = managers[0].name if len(managers) == 1 else "either"
    count = NUMBERS[len(managers)]
    noun = "manager" if len(managers) == 1 else "managers"
    return [
        f"{count} {noun}: while {which} is away, what runs goes on, but Swarm repairs nothing and takes no "
        "command. Three are needed: `docker node promote NODE`, or join another machine as a manager."
    ]


def _edge(nodes: Sequence[Node]) -> list[str]:
    edges = [node.name for node in nodes if node.edge and node.availability == "active"]
    if len(edges) > 1:
        return []
    more = f"Add another: `docker node update --label-add {EDGE_LABEL}=true NODE`."
    if not edges:
        return [f"No active node is an edge: nobody can reach the pages. {more}"]
    return [f"Only {edges[0]} is an edge: while it is away nobody can reach the pages. {more}"]
