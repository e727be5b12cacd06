"""The state of the stack in one object: nodes, services, both clusters, the queue and the votes stored."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import docker
from docker.errors import APIError

from deployment import convergence, nodes, swarm, weaknesses
from deployment.convergence import ServiceState
from deployment.errors import DeployError
from deployment.layout import STACK
from deployment.nodes import Node
from deployment.progress import Progress

# The container's own clock judges the picture's age, not that of the machine that asks.
PICTURE = ["sh", "-c", "date +%s && cat /tmp/status.json"]
PICTURE_SECONDS = 5
CLUSTERS = {"postgres": ("PostgreSQL", "standbys"), "redis": ("Redis", "replicas")}
DATA_NODES = 3
LEADER = "the Swarm's leader"
OBSERVER = "an answer of this node's observer (a drained node has none: ask another manager)"
POLL_SECONDS = 1.0
UNKNOWN: dict[str, Any] = {
    "at": None,
    "postgres": {"primary": None, "standbys": [], "synchronous": False},
    "redis": {"primary": None, "replicas": []},
    "queue": {"pending": None, "dead": None, "oldest": None, "waiting_seconds": 0.0},
    "votes": {"stored": None, "tally": None},
}


def collect(client: docker.DockerClient, urls: Mapping[str, str]) -> dict[str, Any]:
    """Return the status object that `status --json` prints."""
    inside = observe(client)
    try:
        members, services = nodes.observe(client), convergence.states(client)
        warnings = weaknesses.of(members)
        absent = missing(members, services, inside)
    except APIError as error:
        if not swarm.leaderless(error):
            raise
        members, services, absent = (), [], [LEADER, *clusters_missing(inside)]
        warnings = [swarm.no_leader().what, swarm.no_leader().remedy]
    return {
        "stack": STACK,
        "healthy": not absent,
        "missing": absent,
        "warnings": warnings,
        "nodes": [_described(node) for node in members],
        "services": [{"name": s.name, "running": s.running, "desired": s.desired} for s in services],
        **inside,
        "urls": dict(urls),
    }


def _described(node: Node) -> dict[str, Any]:
    return {
        "name": node.name,
        "state": node.state,
        "availability": node.availability,
        "manager": node.manager,
        "edge": node.edge,
        "slots": list(node.slots),
    }


def missing(
    members: Sequence[Node], services: Sequence[ServiceState], inside: Mapping[str, Any]
) -> list[str]:
    """Name all that full strength lacks: nodes that carry something, tasks, and members of both clusters."""
    if not services:
        return ["the stack: no service is deployed"]
    ours = [node for node in members if node.labels or node.manager]
    away = [f"{node.name} {node.state}" for node in ours if not node.ready]
    short = {s.name: f"{s.name} {s.running}/{s.desired}" for s in services if s.running != s.desired}
    # A member without its task is named once, with the count.
    return [*away, *short.values(), *(name for name in clusters_missing(inside) if name not in short)]


def clusters_missing(inside: Mapping[str, Any]) -> list[str]:
    """Name what both clusters lack; without a primary nobody can say who follows."""
    if inside["at"] is None:
        return [OBSERVER]
    absent = []
    for key, (name, followers) in CLUSTERS.items():
        state = inside[key]
        there = {state["primary"], *state[followers]}
        names = [f"{key}-{n}" for n in range(1, DATA_NODES + 1)]
        absent += [n for n in names if n not in there] if state["primary"] else [f"{name} primary"]
    if inside["postgres"]["primary"] and not inside["postgres"]["synchronous"]:
        absent.append("PostgreSQL synchronous standby")
    return absent


def wait_healthy(client: docker.DockerClient, progress: Progress, timeout: float) -> None:
    """Wait for both clusters to be at full strength; raise DeployError after `timeout` seconds."""
    with progress.task("Waiting for PostgreSQL and Redis to replicate") as task:
        while not (now := collect(client, {}))["healthy"]:
            detail = "missing: " + ", ".join(now["missing"])
            if task.seconds > timeout:
                raise DeployError(
                    f"The stack is not at full strength after {timeout:.0f} s: {detail}",
                    "Look at `python3 deploy.py status` and `python3 deploy.py logs postgres-1` "
                    "(or redis-1, sentinel-1).",
                )
            task.detail(detail)
            time.sleep(POLL_SECONDS)


def summary(status: Mapping[str, Any]) -> str:
    """Say in one line what both clusters look like."""
    postgres, redis = status["postgres"], status["redis"]
    if status["at"] is None:
        return "PostgreSQL and Redis: unknown"
    return (
        f"PostgreSQL primary {postgres['primary'] or 'none'} with {len(postgres['standbys'])} standby(s), "
        f"Redis primary {redis['primary'] or 'none'} with {len(redis['replicas'])} replica(s)"
    )


def node_line(node: Mapping[str, Any]) -> str:
    """Say in one line what a node is and carries."""
    roles = [name for name in ("manager", "edge") if node[name]]
    slots = [f"slot {n}" for n in node["slots"]]
    return f"Node {node['name']}: {', '.join([node['state'], node['availability'], *roles, *slots])}"


def observe(client: docker.DockerClient) -> dict[str, Any]:
    """Return the picture of this node's observer, which is on both data networks; UNKNOWN without one."""
    label = {"label": f"com.docker.swarm.service.name={STACK}_observer", "status": "running"}
    for container in client.api.containers(filters=label):
        answer = _ask(client, container["Id"])
        if answer and (found := picture(answer))["at"]:
            return found
    return UNKNOWN


def picture(answer: bytes) -> dict[str, Any]:
    """Read the container's time and its picture; one that is old, or cut short, says nothing of now."""
    now, _, text = answer.partition(b"\n")
    try:
        found: dict[str, Any] = json.loads(text)
    except ValueError:
        return UNKNOWN
    return {**UNKNOWN, **found} if int(now) - found["at"] <= PICTURE_SECONDS else UNKNOWN


def _ask(client: docker.DockerClient, container: str) -> bytes | None:
    """Run the question in an observer; None if that is just going away."""
    try:
        started = client.api.exec_create(container, PICTURE, stderr=False)
        answer = client.api.exec_start(started["Id"])
        succeeded = client.api.exec_inspect(started["Id"])["ExitCode"] == 0
    except APIError:
        return None
    return bytes(answer) if succeeded else None
