"""`deploy.py nodes move` and `nodes replace`: a slot, or all of a lost node, goes to another node."""

import time
from collections.abc import Sequence

from deployment.configuration.layout import SLOT_LABELS
from deployment.engine.swarm import nodes as engine_nodes
from deployment.errors import DeployError
from deployment.operations import switchover
from deployment.operations.runner.operation import Check, Step
from deployment.operations.runner.site import Site
from deployment.plan.cluster.topology import CLUSTERS
from deployment.plan.swarm import relocation
from deployment.plan.swarm.departure import named
from deployment.plan.swarm.nodes import Node

# A node copies everything anew.
WHOLE_SECONDS = 1800
POLL_SECONDS = 1.0


class Fit(Check):
    """Every member of both clusters is there, but those that move, and the target can carry them."""

    def __init__(self, slots: Sequence[int], target: str) -> None:
        self._slots, self._target = slots, target

    def require(self, site: Site) -> None:
        """Raise DeployError saying what would be lost by it."""
        target = named(site.nodes, self._target)
        if relocation.carries(target, self._slots):
            return
        relocation.require_room(site.nodes, target, self._slots)
        relocation.require_others(switchover.look(site).absent(), self._slots)


class Relocated:
    """Labels are on a node, on no other one, and what belongs to them runs there."""

    touches = False

    def __init__(self, labels: Sequence[str], target: str) -> None:
        self._labels, self._target = labels, target

    def missing(self, site: Site) -> list[str]:
        """Name the labels that are elsewhere, and what does not run yet."""
        target = named(site.nodes, self._target)
        lines = [
            f"move {label} from {relocation.holder(site.nodes, label, target)} to {target.name}"
            for label in self._labels
            if label not in target.labels or relocation.others(site.nodes, label, target)
        ]
        return lines or [f"wait for {name}" for name in self._away(site)]

    def do(self, site: Site) -> None:
        """Move them, and wait until both clusters are whole; raise DeployError."""
        target = named(site.nodes, self._target)
        with site.progress.task(f"Moving {', '.join(self._labels)} to {target.name}") as task:
            for label in self._labels:
                for node in relocation.others(site.nodes, label, target):
                    engine_nodes.remove_label(site.engine, node.id, label)
            engine_nodes.add_labels(site.engine, {target.id: tuple(self._labels)})
            while away := self._away(site):
                site.turn()
                if task.seconds > WHOLE_SECONDS:
                    raise DeployError(
                        f"{', '.join(away)} is not there after {WHOLE_SECONDS} s.",
                        "`logs` of that service says why. Then run the same command again.",
                    )
                task.detail(f"waiting for {', '.join(away)}, which copy from their peers")
                time.sleep(POLL_SECONDS)

    def _away(self, site: Site) -> list[str]:
        view = switchover.look(site)
        return sorted({name for cluster in CLUSTERS for name in switchover.lacking(view, cluster)})


class Removed:
    """A node that is gone for good is no part of the Swarm."""

    touches = False

    def __init__(self, node: Node, target: str) -> None:
        self._node, self._target = node, target

    def missing(self, site: Site) -> list[str]:
        """Say so, while it still is."""
        there = any(node.id == self._node.id for node in site.nodes)
        return [f"remove {self._node.name} from the Swarm"] if there else []

    def do(self, site: Site) -> None:
        """Let the target be a manager in its place if it was one, and remove it."""
        if self._node.manager:
            engine_nodes.set_role(site.engine, named(site.nodes, self._target).id, "manager")
            engine_nodes.set_role(site.engine, self._node.id, "worker")
        engine_nodes.remove(site.engine, self._node.id)


def moving(site: Site, slot: int, name: str) -> Sequence[Step]:
    """Return the steps that move a slot to a node: primaries leave first; raise DeployError."""
    target = named(site.nodes, name)
    check = Fit((slot,), target.id)
    check.require(site)
    here = {cluster: f"{cluster}-{slot}" for cluster in CLUSTERS}
    leaving = [c for c, found in site.picture.clusters.items() if found.primary == here[c]]
    moves = [] if relocation.carries(target, (slot,)) else [switchover.step(site, each) for each in leaving]
    return (check, *moves, Relocated((SLOT_LABELS[slot - 1],), target.id))


def replacing(site: Site, old: str, name: str) -> Sequence[Step]:
    """Return the steps that put a node in the place of one that is gone for good; raise DeployError."""
    target = named(site.nodes, name)
    if not any(old in (node.name, node.id) for node in site.nodes) and not relocation.homeless(site.nodes):
        return ()
    gone = named(site.nodes, old)
    relocation.require_gone(gone, target)
    return (
        Fit(gone.slots, target.id),
        Relocated(sorted(gone.labels), target.id),
        Removed(gone, target.id),
    )
