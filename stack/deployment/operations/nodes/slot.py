"""The steps by which a slot leaves one machine and comes to another.

No two machines that live ever have one slot. Before it is given to another one, its data nodes have stopped,
the others have all that those confirmed, and no data of an earlier time are in its place: a data node without
data can neither confirm nor grant anything until it has copied all from a primary.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from deployment.engine.swarm import errand, services
from deployment.engine.swarm import nodes as engine_nodes
from deployment.errors import DeployError
from deployment.operations import switchover
from deployment.operations.runner import operation
from deployment.operations.runner.operation import Check
from deployment.operations.runner.site import Site
from deployment.operations.runner.turn import UNREACHABLE, TurnLostError
from deployment.plan.cluster.rollout import View
from deployment.plan.cluster.topology import belonging
from deployment.plan.swarm import departure, proof, relocation
from deployment.plan.swarm.nodes import Node
from deployment.progress import Task

STOPPED_SECONDS = 120
PROVEN_SECONDS = 60
# A Swarm whose managers elect a leader takes orders again within that time.
STARTED_SECONDS = 60
# The copy of a large database takes long; interrupted, the same command goes on waiting.
COPIED_SECONDS = 3600
POLL_SECONDS = 1.0


class Replaceable(Check):
    """A machine is gone, and another one may take its place."""

    def __init__(self, old: Node, new: Node) -> None:
        self._old, self._new = old, new

    def require(self, site: Site) -> None:
        """Raise DeployError saying why not."""
        view = switchover.look(site)
        old, new = (departure.named(view.nodes, node.id) for node in (self._old, self._new))
        relocation.require_replacement(view, old, new)


class Cleared:
    """No data of an earlier time are in the place that a slot is to get."""

    touches = False

    def __init__(self, slot: int, target: Node) -> None:
        self._slot, self._target = slot, target
        self._done = False

    def missing(self, site: Site) -> list[str]:
        """Say that this is to be looked at: only a program there can see it."""
        if self._done or self._slot in departure.named(site.nodes, self._target.id).slots:
            return []
        return [
            f"fetch the images to {self._target.name}, and set aside what slot {self._slot} left there before"
        ]

    def do(self, site: Site) -> None:
        """Look, and set aside what is found; raise DeployError."""
        own = belonging([self._slot])
        with site.progress.task(f"Preparing {self._target.name} for slot {self._slot}") as task:
            while left := sorted({*own} & {*services.left_on(site.engine, self._target.id)}):
                _wait(site, task, f"{', '.join(left)} to stop there", STOPPED_SECONDS)
            for name in own:
                task.detail(name)
                self._clear(site, name)
        self._done = True

    def _clear(self, site: Site, name: str) -> None:
        label = relocation.label(self._slot)
        told = errand.run_on(site.engine, self._target.id, name, relocation.SET_ASIDE, without=label)
        if not told.succeeded:
            raise DeployError(
                f"{self._target.name} cannot be made ready for {name}. Slot {self._slot} is where it was.",
                "Its words are above. Mend the cause and run the same command again.",
                told.lines,
            )


class Freed:
    """A slot is another machine's, still without data nodes; the others have every vote that these confirmed.

    It is with nobody for a moment only: `up` would give it to a machine that is not made ready for it.
    """

    touches = False

    def __init__(self, slot: int, source: Node | None, target: Node) -> None:
        self._slot, self._source, self._target = slot, source, target
        self._own = belonging([slot])
        self._proven = False

    def missing(self, site: Site) -> list[str]:
        """Say so."""
        if self._proven or self._slot in departure.named(site.nodes, self._target.id).slots:
            return []
        if self._source:
            return [
                f"stop {', '.join(self._own)} on {self._source.name}, and see that the others have every vote"
            ]
        return ["see that the others have every vote"]

    def do(self, site: Site) -> None:
        """Stop it, and start it again where the others do not stand without it; raise DeployError."""
        view = switchover.look(site)
        relocation.require_source(view.nodes, self._slot, self._source, self._target)
        relocation.require_followers(view, self._own)
        leader = view.picture.redis.primary
        where = f" from {self._source.name}" if self._source else ""
        with site.progress.task(f"Taking slot {self._slot}{where}") as task:
            with self._kept(site):
                # Told to leave by its label, a task counts as over at once, though its container still stops.
                _scale(site, self._own, 0)
                if lacking := self._stopped(site, task) or self._unproven(site, task, leader):
                    raise DeployError(
                        f"The others do not have every vote, or do not say so: {', '.join(lacking)}.",
                        relocation.LATER,
                    )
            self._relabel(site)
        self._proven = True

    def _stopped(self, site: Site, task: Task) -> list[str]:
        """Wait until its containers have ended, wherever they are; name those that have not."""
        while left := services.living(site.engine, self._own):
            if task.seconds > STOPPED_SECONDS:
                return [f"{name} does not stop" for name in left]
            _pause(site, task, f"{', '.join(left)} to stop")
        return []

    def _unproven(self, site: Site, task: Task, leader: str | None) -> list[str]:
        """Wait until the others have all that was confirmed before; say what is still to be seen."""
        deadline = task.seconds + PROVEN_SECONDS
        stop = proof.Stop(leader)
        while True:
            view = switchover.look(site)
            stop = stop.seen(view.picture)
            lacking = proof.unproven(view, self._own, stop)
            if not lacking or task.seconds > deadline:
                return lacking
            _pause(site, task, ", ".join(lacking))

    @contextmanager
    def _kept(self, site: Site) -> Iterator[None]:
        """Let the slot run where it was, if it was anywhere, when something fails; raise DeployError."""
        try:
            yield
        except TurnLostError:
            raise  # what runs now is another verb's business
        except Exception as error:
            cause = operation.readable(error)
            raise DeployError(f"{cause.what} {self._started(site)}", cause.remedy, cause.evidence) from error

    def _started(self, site: Site) -> str:
        """Start what was stopped, and say so, or that nobody could be told."""
        began = time.monotonic()
        while True:
            try:
                _scale(site, self._own, 1)
            except UNREACHABLE as error:
                if time.monotonic() > began + STARTED_SECONDS:
                    return f"Slot {self._slot} stands still, the stack has one copy less: {error}."
                time.sleep(POLL_SECONDS)
                continue
            if self._source:
                return f"Slot {self._slot} is started on {self._source.name} again."
            return "Nothing was moved."

    def _relabel(self, site: Site) -> None:
        """Give the slot from one machine to the other; raise DeployError.

        Where that fails nothing is started: the answer may be lost, and the machine no more the slot's.
        """
        labels = (relocation.label(self._slot),)
        try:
            if self._source:
                engine_nodes.take_labels(site.engine, self._source.id, labels)
                for line in relocation.left_behind(self._source, self._slot):
                    site.progress.say(line)  # interrupted from here on, nobody would know where that was
            engine_nodes.add_labels(site.engine, {self._target.id: labels})
        except UNREACHABLE as error:
            raise DeployError(
                f"The Swarm does not say who has slot {self._slot} now: {error}. "
                "It stands still, and the stack has one copy less.",
                "Run the same command again; `up` could give the slot to another machine.",
            ) from error


class Given:
    """A machine carries what another one did, and its data nodes have copied all from their peers."""

    touches = False

    def __init__(
        self, labels: Sequence[str], slots: Sequence[int], target: Node, gone: Node | None = None
    ) -> None:
        self._labels, self._target, self._gone = tuple(labels), target, gone
        self._own = belonging(slots)

    def missing(self, site: Site) -> list[str]:
        """Say so, and what is not there yet."""
        lacking = sorted({*self._labels} - departure.named(site.nodes, self._target.id).labels)
        if lacking:
            return [
                f"give {self._target.name} {', '.join(lacking)}: what belongs there copies all from its peers"
            ]
        away = self._away(switchover.look(site))
        return [f"wait for {', '.join(away)}"] if away else []

    def do(self, site: Site) -> None:
        """Label it and no machine that is gone, and wait for the copies; raise DeployError."""
        with site.progress.task(f"Waiting for {', '.join(self._own) or self._target.name}") as task:
            if self._gone:  # until now it kept its slot, and had that come back, it might lead again
                Replaceable(self._gone, self._target).require(site)
            engine_nodes.add_labels(site.engine, {self._target.id: self._labels})
            if self._gone:
                engine_nodes.take_labels(site.engine, self._gone.id, self._labels)
            _scale(site, self._own, 1)
            while away := self._away(switchover.look(site)):
                _wait(site, task, ", ".join(away), COPIED_SECONDS)

    def _away(self, view: View) -> list[str]:
        if view.blind:
            return ["an answer of the observer"]
        idle = {state.name for state in view.services if not state.desired}
        return sorted({*self._own} & (view.absent() | idle))


def _scale(site: Site, names: Sequence[str], replicas: int) -> None:
    for name in names:
        services.set_replicas(site.engine, name, replicas)


def _wait(site: Site, task: Task, what: str, seconds: float) -> None:
    if task.seconds > seconds:
        raise DeployError(
            f"Stopped waiting for {what} after {seconds:.0f} s.",
            "`python3 deploy.py status` and `logs` of that service say why. Then run the same command again.",
        )
    _pause(site, task, what)


def _pause(site: Site, task: Task, what: str) -> None:
    site.turn()
    task.detail(f"waiting for {what}")
    time.sleep(POLL_SECONDS)
