"""An update without a cold start: data nodes one at a time, each back in its cluster before the next."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import docker

from deployment import convergence, nodes, status
from deployment.convergence import ServiceState
from deployment.errors import DeployError
from deployment.layout import STACK
from deployment.nodes import Node
from deployment.progress import Progress
from deployment.release import Release

# Kinds of data nodes in the order of their update, and the cluster that each belongs to.
KINDS = {"sentinel": "redis", "redis": "redis", "postgres": "postgres"}
# An election that is under way is over by then.
ELECTION_SECONDS = 30
STEP_SECONDS = 300
POLL_SECONDS = 1.0


@dataclass(frozen=True)
class View:
    """The stack at one moment: its nodes and services, and the observer's picture of both clusters."""

    nodes: Sequence[Node]
    services: Sequence[ServiceState]
    picture: Mapping[str, Any]

    def headless(self) -> list[str]:
        """Name the clusters without a known primary."""
        return [cluster for cluster in status.CLUSTERS if not self.picture[cluster]["primary"]]

    def reachable(self) -> set[str]:
        """Return the data nodes whose machine is there to run them."""
        slots = {slot for node in self.nodes if node.usable for slot in node.slots}
        names = {f"{kind}-{slot}" for kind in KINDS for slot in slots}
        return names & {service.name for service in self.services}

    def absent(self) -> set[str]:
        """Name what both clusters lack: tasks of their data nodes, members, a primary."""
        down = {s.name for s in self.services if cluster_of(s.name) and s.running != s.desired}
        return down | set(status.clusters_missing(self.picture))


def cluster_of(service: str) -> str:
    """Return the cluster that a data node belongs to; the empty string for every other service."""
    kind, _, number = service.rpartition("-")
    return KINDS.get(kind, "") if number.isdigit() else ""


def steps(view: View) -> list[str]:
    """Return the data nodes to update one at a time, in this order.

    Not those of a cluster without a primary, which has nothing to keep, and not those whose machine is
    away, which would not come back.
    """
    headless = view.headless()
    return in_order([name for name in view.reachable() if cluster_of(name) not in headless], view)


def in_order(names: Collection[str], view: View) -> list[str]:
    """Sort data nodes for their update: of each kind what is missing anyhow first, the primary last."""

    def place(name: str) -> tuple[int, bool, bool, str]:
        kind, primary = name.rpartition("-")[0], view.picture[cluster_of(name)]["primary"]
        return list(KINDS).index(kind), name == primary, name not in view.absent(), name

    return sorted(names, key=place)


def update(client: docker.DockerClient, wanted: Release, progress: Progress, *, registry_auth: bool) -> None:
    """Bring the data nodes of a stack that runs to a release, one at a time; without a stack do nothing.

    Those that the release does not change are not restarted, those that are no step of their own are
    left for the deployment of everything. Raises DeployError if one does not come back; all that were
    to follow then run on with the previous release.
    """
    since = datetime.now(UTC).isoformat()
    view = _after_elections(client, progress, since)
    pending = steps(view)
    tolerated = view.absent()
    while pending:
        name, *pending = in_order(pending, view)
        tolerated.discard(name)
        before = _specification(client, name)
        wanted.deploy_service(name, registry_auth=registry_auth)
        if _specification(client, name) != before or name in view.absent():
            view = _until_back(client, progress, name, tolerated, since)


def look(client: docker.DockerClient, since: str) -> View:
    """Look at the stack; failed tasks are counted from `since` (RFC 3339)."""
    return View(nodes.observe(client), convergence.states(client, since=since), status.observe(client))


def _after_elections(client: docker.DockerClient, progress: Progress, since: str) -> View:
    view = look(client, since)
    if not view.services or not view.headless():
        return view
    with progress.task("Waiting for the primaries of both clusters") as task:
        while view.headless() and task.seconds < ELECTION_SECONDS:
            time.sleep(POLL_SECONDS)
            view = look(client, since)
    if headless := view.headless():
        names = " and ".join(status.CLUSTERS[cluster][0] for cluster in headless)
        progress.say(f"  No primary of {names} is known: the nodes are updated all at once")
    return view


def _specification(client: docker.DockerClient, name: str) -> Any:
    """Return what a service's tasks are made from."""
    return client.api.inspect_service(f"{STACK}_{name}")["Spec"]["TaskTemplate"]


def _until_back(
    client: docker.DockerClient, progress: Progress, name: str, tolerated: set[str], since: str
) -> View:
    """Wait until a data node runs and both clusters lack nothing but what is tolerated."""
    outdated = None
    with progress.task(f"Updating {name}") as task:
        while True:
            view = look(client, since)
            absent = view.absent() - tolerated
            # A picture that was there before the node ran may still show the one that was stopped.
            if name in absent:
                outdated = view.picture["at"]
            elif not absent and view.picture["at"] != outdated:
                return view
            if reason := given_up(view, absent, task.seconds):
                raise _stopped(client, name, reason)
            task.detail("missing: " + ", ".join(sorted(absent)))
            time.sleep(POLL_SECONDS)


def given_up(view: View, absent: Collection[str], seconds: float) -> str | None:
    """Say why what is absent will not come back; None while it still may."""
    for service in view.services:
        if service.failure and service.name in absent:
            return f"{service.name} does not run: {service.failure}"
    return f"not back after {seconds:.0f} s: {', '.join(sorted(absent))}" if seconds > STEP_SECONDS else None


def _stopped(client: docker.DockerClient, name: str, reason: str) -> DeployError:
    return DeployError(
        f"The update stopped at data node {name}: {reason}",
        "Whatever was to follow was left as it is and runs on. The node's last log lines are above; more: "
        f"python3 deploy.py logs {name}. Mend the cause and run `up` again.",
        convergence.last_lines(client, name),
    )
