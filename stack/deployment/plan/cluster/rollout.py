"""An update without a cold start: which data node is next, when it is back, and when to give up."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from deployment.plan.cluster import strength
from deployment.plan.cluster.convergence import ServiceState
from deployment.plan.cluster.picture import Picture
from deployment.plan.cluster.topology import KINDS, cluster_of
from deployment.plan.swarm.nodes import Node

STEP_SECONDS = 300


@dataclass(frozen=True)
class View:
    """The stack at one moment: its nodes and services, and the observer's picture of both clusters."""

    nodes: Sequence[Node]
    services: Sequence[ServiceState]
    picture: Picture

    @property
    def blind(self) -> bool:
        """Whether the observer gave no picture."""
        return self.picture.at is None

    def reachable(self) -> set[str]:
        """Return the data nodes whose machine is there to run them."""
        slots = {slot for node in self.nodes if node.usable for slot in node.slots}
        names = {f"{kind}-{slot}" for kind in KINDS for slot in slots}
        return names & {service.name for service in self.services}

    def out_of_reach(self) -> set[str]:
        """Return the data nodes whose machine is away, drained or paused."""
        return {service.name for service in self.services if cluster_of(service.name)} - self.reachable()

    def absent(self) -> set[str]:
        """Name what both clusters lack: tasks of their data nodes, members, a primary."""
        down = {s.name for s in self.services if cluster_of(s.name) and s.running != s.desired}
        return down | set(strength.clusters_missing(self.picture))


def order(view: View) -> list[str]:
    """Return the data nodes to update one at a time: of each kind what is missing first, the primary last.

    Not those of a cluster without a primary, which has nothing to keep, and not those whose machine is
    away, which would not come back.
    """

    def place(name: str) -> tuple[int, bool, bool, str]:
        kind, primary = name.rpartition("-")[0], view.picture.clusters[cluster_of(name)].primary
        return list(KINDS).index(kind), name == primary, name not in view.absent(), name

    headless = view.picture.headless
    return sorted((name for name in view.reachable() if cluster_of(name) not in headless), key=place)


def peers_away(view: View, name: str) -> set[str]:
    """Return the other members of a data node's cluster that are away."""
    cluster = cluster_of(name)
    return {other for other in view.absent() if cluster_of(other) == cluster} - {name}


def back(view: View, absent: Collection[str], outdated: float | None) -> bool:
    """Say whether nothing is absent, in a picture later than the `outdated` one.

    A picture that was there before the node ran may still show the one that was stopped.
    """
    return not absent and view.picture.at != outdated


def given_up(view: View, absent: Collection[str], seconds: float) -> str | None:
    """Say why what is absent will not come back; None while it still may."""
    for service in view.services:
        if service.failure and service.name in absent:
            return f"{service.name} does not run: {service.failure}"
    return f"not back after {seconds:.0f} s: {', '.join(sorted(absent))}" if seconds > STEP_SECONDS else None
