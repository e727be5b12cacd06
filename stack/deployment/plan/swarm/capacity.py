"""How much memory a release may take, held against what the nodes have."""

import re
from collections.abc import Sequence

from deployment.plan.release.release import Release, Tree
from deployment.plan.swarm.nodes import Node

UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
GIB = 1 << 30
# The services whose number of tasks a user may choose.
SCALABLE = ("vote", "result", "worker")


def needed(release: Release, nodes: Sequence[Node]) -> int:
    """Return the sum of all memory limits in bytes, one for each task."""
    return sum(_limit(service) * _tasks(service, nodes) for service in release.services.values())


def available(nodes: Sequence[Node]) -> int:
    """Return the memory of all nodes that take tasks, in bytes."""
    return sum(node.memory for node in nodes if node.usable)


def excess(release: Release, nodes: Sequence[Node], now: Release | None = None) -> str:
    """Say by how much a release may take more than there is; the empty string if it does not.

    One that takes no more than that of `now` is none: small machines carry it already.
    """
    wanted, there = needed(release, nodes), available(nodes)
    if wanted <= there or (now and wanted <= needed(now, nodes)):
        return ""
    return f"all memory limits together are {wanted / GIB:.1f} GiB, the nodes have {there / GIB:.1f} GiB"


def _limit(service: Tree) -> int:
    text = str(service.get("deploy", {}).get("resources", {}).get("limits", {}).get("memory", "0"))
    found = re.fullmatch(r"(\d+)([KMG]?)B?", text.upper())
    return int(found[1]) * UNITS.get(found[2], 1) if found else 0


def _tasks(service: Tree, nodes: Sequence[Node]) -> int:
    deploy = service.get("deploy", {})
    if deploy.get("mode") == "global":
        return sum(_fits(node, deploy) for node in nodes if node.usable)
    return int(deploy.get("replicas", 1))


def _fits(node: Node, deploy: Tree) -> bool:
    """Whether a service that is on every node that fits is on this one: the two constraints that are used."""
    for constraint in deploy.get("placement", {}).get("constraints", ()):
        label, _, value = (part.strip() for part in constraint.partition("=="))
        if label == "node.role" and node.manager != (value == "manager"):
            return False
        if label.startswith("node.labels.") and label.removeprefix("node.labels.") not in node.labels:
            return False
    return True
