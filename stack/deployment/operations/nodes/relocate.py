"""`deploy.py nodes move` and `nodes replace`: a slot gets another machine."""

from collections.abc import Sequence

from deployment.engine.swarm import nodes as engine_nodes
from deployment.errors import DeployError
from deployment.operations import switchover
from deployment.operations.nodes.slot import Cleared, Freed, Given, Replaceable
from deployment.operations.runner.operation import Check, Step
from deployment.operations.runner.site import Site
from deployment.plan.cluster.topology import belonging
from deployment.plan.swarm import departure, relocation
from deployment.plan.swarm.nodes import Node

BACKUP = "backup"


class Movable(Check):
    """A slot may leave the machine that has it for another one."""

    def __init__(self, slot: int, source: Node | None, target: Node) -> None:
        self._slot, self._source, self._target = slot, source, target

    def require(self, site: Site) -> None:
        """Raise DeployError saying why not."""
        target = departure.named(site.nodes, self._target.id)
        source = relocation.carrier(site.nodes, self._slot, target)
        if self._slot not in target.slots:
            relocation.require_move(switchover.look(site), self._slot, source, target)


class Removed:
    """A machine that is gone is no more of the Swarm."""

    touches = False

    def __init__(self, node: Node) -> None:
        self._node = node

    def missing(self, site: Site) -> list[str]:
        """Say so; raise DeployError unless it is still gone."""
        found = [node for node in site.nodes if node.id == self._node.id]
        if found and not found[0].down:
            now = "back: it was not gone for good" if found[0].ready else f"{found[0].state}: it may live"
            raise DeployError(
                f"{self._node.name} is {now}. It stays in the Swarm.",
                "`python3 deploy.py nodes list` shows what it carries. Is it down again? Run this again.",
            )
        return [f"remove {self._node.name} from the Swarm"] if found else []

    def do(self, site: Site) -> None:
        """Remove it; raise APIError."""
        with site.progress.task(f"Removing {self._node.name} from the Swarm"):
            engine_nodes.remove(site.engine, self._node.id)


def moving(site: Site, slot: int, name: str) -> Sequence[Step]:
    """Return the steps that move a slot to a machine: a primary of it moves away first; raise DeployError."""
    target = departure.named(site.nodes, name)
    source = relocation.carrier(site.nodes, slot, target)
    check = Movable(slot, source, target)
    check.require(site)
    there = slot in target.slots
    led = [] if there else departure.led(belonging([slot]), site.picture.primaries)
    moves = [switchover.step(site, cluster) for cluster in led]
    given = Given([relocation.label(slot)], [slot], target)
    return (check, Cleared(slot, target), *moves, Freed(slot, source, target), given)


def replacing(site: Site, old_name: str, new_name: str) -> Sequence[Step]:
    """Return the steps by which a machine takes the place of one that is gone; raise DeployError."""
    old, new = departure.named(site.nodes, old_name), departure.named(site.nodes, new_name)
    check = Replaceable(old, new)
    check.require(site)
    given = Given(sorted(old.labels), relocation.taken_over(old, new), new, gone=old)
    return (check, *(Cleared(slot, new) for slot in old.slots), given, Removed(old))


def backups_lost(site: Site, old_name: str, new_name: str) -> bool:
    """Whether the backups were on the disk of a machine that is gone; raise DeployError."""
    old, new = departure.named(site.nodes, old_name), departure.named(site.nodes, new_name)
    return BACKUP in relocation.hanging_on(switchover.look(site), relocation.taken_over(old, new))
