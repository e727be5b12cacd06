"""`deploy.py nodes`: a node is drained without a vote refused, and its share comes back with it."""

import time
from collections.abc import Sequence

from deployment.engine.swarm import errand, services
from deployment.engine.swarm import nodes as engine_nodes
from deployment.errors import DeployError
from deployment.operations import switchover
from deployment.operations.runner.operation import Check, Step
from deployment.operations.runner.site import Site
from deployment.plan.cluster.rollout import View
from deployment.plan.cluster.topology import cluster_of
from deployment.plan.swarm import departure
from deployment.plan.swarm.nodes import Node

DRAIN, ACTIVE = "drain", "active"
SETTLED_SECONDS = 300
POLL_SECONDS = 1.0
# Swarm may put both where one was: it looks at the load, too.
TRIES = 2


class Dispensable(Check):
    """The stack can do without a node."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def require(self, site: Site) -> None:
        """Raise DeployError saying what would not work without it."""
        node = departure.named(site.nodes, self._node.id)
        if node.availability != DRAIN:
            departure.require_dispensable(site.nodes, node, _absent(switchover.look(site)))


class Drained:
    """A node takes nothing of the stack, and all that can run elsewhere does."""

    touches = False

    def __init__(self, node: Node) -> None:
        self._node = node

    def missing(self, site: Site) -> list[str]:
        """Say so, and what still runs there."""
        if departure.named(site.nodes, self._node.id).availability != DRAIN:
            return [f"drain {self._node.name}: what runs there stops, and starts on other nodes if it can"]
        left = self._left(site)
        return [f"wait until {', '.join(left)} has left {self._node.name}"] if left else []

    def do(self, site: Site) -> None:
        """Drain it, and wait until its tasks have ended and others run instead; raise DeployError."""
        with site.progress.task(f"Draining {self._node.name}") as task:
            errand.remove(site.engine)  # a switchover that was killed leaves one that never runs again
            self._require_still(site)
            engine_nodes.set_availability(site.engine, self._node.id, DRAIN)
            while left := [*self._left(site), *departure.unsettled(switchover.look(site), self._node)]:
                site.turn()
                if task.seconds > SETTLED_SECONDS:
                    raise _stuck(f"{self._node.name} is drained, but not settled", left)
                task.detail(f"waiting for {', '.join(left)}")
                time.sleep(POLL_SECONDS)

    def _require_still(self, site: Site) -> None:
        """Look once more: to move the primaries away may have taken minutes. Raise DeployError."""
        site.look_again()
        Dispensable(self._node).require(site)
        node = departure.named(site.nodes, self._node.id)
        if node.availability != DRAIN and departure.held(node, switchover.look(site).picture.primaries):
            raise DeployError(
                f"A primary has come to {node.name} meanwhile. It was not drained.",
                "Run the same command again: it moves the primary away first.",
            )

    def _left(self, site: Site) -> list[str]:
        """Name the services of which a task is still there; of a node that is away nothing more is heard."""
        return services.left_on(site.engine, self._node.id) if self._node.ready else []


class Active:
    """A node takes containers, and the data nodes that belong to it are back."""

    touches = False

    def __init__(self, node: Node) -> None:
        self._node = node

    def missing(self, site: Site) -> list[str]:
        """Say so, and what is not back yet."""
        node = departure.named(site.nodes, self._node.id)
        if not node.ready:
            raise DeployError(
                f"{node.name} is {node.state}: the Swarm does not hear of it. Nothing was changed.",
                "Switch it on, and look whether it reaches the others. Then run this again.",
            )
        view = switchover.look(site)
        if view.blind and node.id != site.engine.info()["Swarm"]["NodeID"]:
            raise DeployError(
                f"No observer answers on this node, so nobody could say when {node.name} is whole. "
                "Nothing was changed.",
                "Run this on another manager: a drained node has no observer.",
            )
        if node.availability != ACTIVE:
            return [f"let {node.name} take containers again"]
        away = self._away(view)
        return [f"wait for {', '.join(away)}"] if away else []

    def do(self, site: Site) -> None:
        """Make it active, and wait for its data nodes; raise DeployError."""
        with site.progress.task(f"Waiting for what belongs to {self._node.name}") as task:
            engine_nodes.set_availability(site.engine, self._node.id, ACTIVE)
            while away := self._away(switchover.look(site)):
                site.turn()
                if task.seconds > SETTLED_SECONDS:
                    raise _stuck(f"{self._node.name} is active, but not whole", away)
                task.detail(f"waiting for {', '.join(away)}")
                time.sleep(POLL_SECONDS)

    def _away(self, view: View) -> list[str]:
        short = {state.name for state in view.services if state.running != state.desired}
        own = {*short, *_absent(view)} & {*departure.carried(self._node)}
        return ["an answer of the observer"] if view.blind else sorted(own)


class Spread:
    """The tasks of each service are spread over the nodes, as far as Swarm does that in a few tries."""

    touches = False

    def __init__(self) -> None:
        self._tried: set[str] = set()

    def missing(self, site: Site) -> list[str]:
        """Name the services whose tasks are not."""
        return [f"spread {name} over the nodes, one container after another" for name in self._worse(site)]

    def do(self, site: Site) -> None:
        """Let Swarm place them anew, each new one before an old one leaves; raise DeployError."""
        for name in self._worse(site):
            for _ in range(TRIES):
                if name in self._worse(site):
                    _place_anew(site, name)
            self._tried.add(name)

    def _worse(self, site: Site) -> list[str]:
        found = departure.lopsided(site.nodes, services.placements(site.engine))
        return [name for name in found if name not in self._tried]


def _place_anew(site: Site, name: str) -> None:
    with site.progress.task(f"Spreading {name}") as task:
        services.place_anew(site.engine, name)
        while _moving(site, name):
            site.turn()
            if task.seconds > SETTLED_SECONDS:
                raise _stuck("The tasks are not spread", [name])
            task.detail("waiting for the new containers")
            time.sleep(POLL_SECONDS)


def draining(site: Site, name: str) -> Sequence[Step]:
    """Return the steps that drain a node: the primaries leave first; raise DeployError."""
    node = departure.named(site.nodes, name)
    check = Dispensable(node)
    check.require(site)
    moves = [switchover.step(site, cluster) for cluster in departure.held(node, site.picture.primaries)]
    return (check, *moves, Drained(node))


def cost(site: Site, name: str) -> list[str]:
    """Say what a node costs that is drained; raise DeployError where there is none of that name."""
    node = departure.named(site.nodes, name)
    return departure.cost(node, departure.pinned(services.states(site.engine), site.nodes, node))


def activating(site: Site, name: str) -> Sequence[Step]:
    """Return the steps that bring a node back; raise DeployError."""
    return (Active(departure.named(site.nodes, name)), Spread())


def _moving(site: Site, name: str) -> bool:
    states = services.states(site.engine)
    return not all(state.converged for state in states if state.name == name)


def _absent(view: View) -> set[str]:
    """Name the data nodes that are away, and what a cluster lacks besides."""
    return {name for name in view.absent() if cluster_of(name) or " " in name}


def _stuck(what: str, left: Sequence[str]) -> DeployError:
    return DeployError(
        f"{what} after {SETTLED_SECONDS} s: {', '.join(left)}.",
        "`python3 deploy.py status` and `logs` of that service say why. Then run the same command again.",
    )
