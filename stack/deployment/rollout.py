"""An update without a cold start: data nodes one at a time, each back in its cluster before the next."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import docker
from docker.errors import NotFound

from deployment import convergence, nodes, status
from deployment.convergence import ServiceState
from deployment.errors import DeployError
from deployment.layout import STACK
from deployment.nodes import Node
from deployment.progress import Progress, Task
from deployment.release import Release

# Kinds of data nodes in the order of their update, and the cluster that each belongs to.
KINDS = {"sentinel": "redis", "redis": "redis", "postgres": "postgres"}
# What others reach the data by, and visitors the pages: updated before those that need them.
PROXIES = ("redis-proxy", "pgpool", "traefik")
OBSERVER = "observer"
# An election that is under way is over by then, and an observer that was just started has answered.
ELECTION_SECONDS = 30
OBSERVER_SECONDS = 60
STEP_SECONDS = 300
POLL_SECONDS = 1.0


@dataclass(frozen=True)
class View:
    """The stack at one moment: its nodes and services, and the observer's picture of both clusters."""

    nodes: Sequence[Node]
    services: Sequence[ServiceState]
    picture: Mapping[str, Any]

    @property
    def blind(self) -> bool:
        """Whether the observer gave no picture."""
        return self.picture["at"] is None

    def headless(self) -> list[str]:
        """Name the clusters without a known primary."""
        return [cluster for cluster in status.CLUSTERS if not self.picture[cluster]["primary"]]

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
        return down | set(status.clusters_missing(self.picture))


class Stack(Protocol):
    """A stack that runs, and what the update does to it."""

    def look(self) -> View:
        """Return what the stack is like now."""

    def deploy(self, name: str) -> bool:
        """Bring one service to the wanted release; say whether its tasks are replaced for that."""

    def last_lines(self, name: str) -> list[str]:
        """Return the last lines of a service's log."""


@dataclass(frozen=True)
class SwarmStack:
    """The stack of a Swarm on its way to a release; failed tasks are counted from `since` (RFC 3339)."""

    client: docker.DockerClient
    wanted: Release
    since: str
    registry_auth: bool

    def look(self) -> View:
        """Return what the stack is like now."""
        services = convergence.states(self.client, since=self.since)
        return View(nodes.observe(self.client), services, status.observe(self.client))

    def deploy(self, name: str) -> bool:
        """Bring one service to the wanted release; say whether its tasks are replaced for that."""
        before = self._tasks_made_from(name)
        self.wanted.deploy_service(name, registry_auth=self.registry_auth)
        return bool(self._tasks_made_from(name) != before)

    def last_lines(self, name: str) -> list[str]:
        """Return the last lines of a service's log."""
        return convergence.last_lines(self.client, name)

    def _tasks_made_from(self, name: str) -> Any:
        try:
            return self.client.api.inspect_service(f"{STACK}_{name}")["Spec"]["TaskTemplate"]
        except NotFound:
            return None


def cluster_of(service: str) -> str:
    """Return the cluster that a data node belongs to; the empty string for every other service."""
    kind, _, number = service.rpartition("-")
    return KINDS.get(kind, "") if number.isdigit() else ""


def steps(view: View) -> list[str]:
    """Return the data nodes to update one at a time: of each kind what is missing first, the primary last.

    Not those of a cluster without a primary, which has nothing to keep, and not those whose machine is
    away, which would not come back.
    """

    def place(name: str) -> tuple[int, bool, bool, str]:
        kind, primary = name.rpartition("-")[0], view.picture[cluster_of(name)]["primary"]
        return list(KINDS).index(kind), name == primary, name not in view.absent(), name

    headless = view.headless()
    return sorted((name for name in view.reachable() if cluster_of(name) not in headless), key=place)


def update(stack: Stack, progress: Progress) -> None:
    """Bring the data nodes of a stack that runs to a release, one at a time, then the proxies.

    Those that the release does not change are not restarted, those that are no step of their own are
    left for the deployment of everything, and so is a stack that does not run. Raises DeployError, with the
    rest left at the release before, if one does not come back or nobody can say how the clusters are.
    """
    view = _in_sight(stack, progress)
    _warn(view, progress)
    tolerated, done = view.absent(), set[str]()
    while left := [name for name in steps(view) if name not in done]:
        name = left[0]
        replaced = stack.deploy(name)
        done.add(name)
        tolerated = (tolerated & view.absent()) - {name}
        view = stack.look()
        if replaced or view.absent() - tolerated:
            with progress.task(f"Updating {name}") as task:
                view = _until_back(stack, task, name, tolerated)
    for name in PROXIES if view.services else ():
        if stack.deploy(name):
            with progress.task(f"Updating {name}") as task:
                _until_running(stack, task, name)


def _in_sight(stack: Stack, progress: Progress) -> View:
    """Look until the observer answers and elections are over; raise DeployError if it never answers."""
    view = stack.look()
    if view.services and view.blind:
        with progress.task("Asking the observer how both clusters are") as task:
            stack.deploy(OBSERVER)  # The release may mend the very reason for its silence.
            while (view := stack.look()).blind:
                if task.seconds > OBSERVER_SECONDS:
                    raise _out_of_sight(stack)
                time.sleep(POLL_SECONDS)
    if view.services and view.headless():
        with progress.task("Waiting for the primaries of both clusters") as task:
            while view.headless() and task.seconds < ELECTION_SECONDS:
                time.sleep(POLL_SECONDS)
                view = stack.look()
    return view


def _warn(view: View, progress: Progress) -> None:
    """Say what the update will cost because something is away already."""
    if not view.services:
        return
    if headless := view.headless():
        names = " and ".join(status.CLUSTERS[cluster][0] for cluster in headless)
        progress.say(f"  No primary of {names} is known: its nodes are updated all at once")
    if away := view.out_of_reach():
        progress.say(
            f"  Out of reach: {', '.join(sorted(away))}. While their peers restart, a cluster may be without "
            "a majority: votes are refused then, none is lost."
        )


def _until_back(stack: Stack, task: Task, name: str, tolerated: Collection[str]) -> View:
    """Wait until a data node runs and both clusters lack nothing but what is tolerated."""
    outdated = None
    while True:
        view = stack.look()
        absent = view.absent() - set(tolerated)
        if back(view, absent, outdated):
            return view
        if name in absent:
            outdated = view.picture["at"]
        if reason := given_up(view, absent, task.seconds):
            raise _stopped(stack, name, reason)
        task.detail(f"missing: {', '.join(sorted(absent)) or 'a new picture'}")
        time.sleep(POLL_SECONDS)


def _until_running(stack: Stack, task: Task, name: str) -> None:
    """Wait until a proxy runs the release on every node that it belongs to."""
    while not (state := next(s for s in stack.look().services if s.name == name)).converged:
        if state.failure or task.seconds > STEP_SECONDS:
            raise _stopped(stack, name, state.failure or f"not running after {task.seconds:.0f} s")
        task.detail(f"waiting for {state.running}/{state.desired}")
        time.sleep(POLL_SECONDS)


def back(view: View, absent: Collection[str], outdated: float | None) -> bool:
    """Say whether nothing is absent, in a picture later than the `outdated` one.

    A picture that was there before the node ran may still show the one that was stopped.
    """
    return not absent and view.picture["at"] != outdated


def given_up(view: View, absent: Collection[str], seconds: float) -> str | None:
    """Say why what is absent will not come back; None while it still may."""
    for service in view.services:
        if service.failure and service.name in absent:
            return f"{service.name} does not run: {service.failure}"
    return f"not back after {seconds:.0f} s: {', '.join(sorted(absent))}" if seconds > STEP_SECONDS else None


def _stopped(stack: Stack, name: str, reason: str) -> DeployError:
    return DeployError(
        f"The update stopped at {name}: {reason}",
        "Whatever was to follow keeps the release that it had, and runs on. Its last log lines are "
        f"above; more: python3 deploy.py logs {name}. Mend the cause and run `up` again.",
        stack.last_lines(name),
    )


def _out_of_sight(stack: Stack) -> DeployError:
    return DeployError(
        "Nobody here can say how both clusters are, so no data node can be updated safely.",
        "This node's observer does not answer. Is the node drained? Then run `up` on another manager. "
        f"The observer's last log lines are above; more: python3 deploy.py logs {OBSERVER}.",
        stack.last_lines(OBSERVER),
    )
