"""The state of the stack in one object: nodes, services, both clusters, the queue and the votes stored."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import docker
from docker.errors import APIError

from deployment import convergence, engine, networks, nodes, pages, record, swarm, weaknesses
from deployment.convergence import ServiceState
from deployment.errors import DeployError
from deployment.layout import STACK
from deployment.nodes import Node
from deployment.pages import LOOPBACK, Edge, Site
from deployment.progress import Progress

# The container's own clock judges the picture's age, not that of the machine that asks.
PICTURE = ["sh", "-c", "date +%s && cat /tmp/status.json"]
PICTURE_SECONDS = 5
CLUSTERS = {"postgres": ("PostgreSQL", "standbys"), "redis": ("Redis", "replicas")}
DATA_NODES = 3
LEADER = "the Swarm's leader"
RECORD = "a record of what was deployed (run `up`: it deploys, and keeps one)"
OBSERVER = "an answer of this node's observer (a drained node has none: ask another manager)"
POLL_SECONDS = 2.0
UNKNOWN: dict[str, Any] = {
    "at": None,
    "postgres": {"primary": None, "standbys": [], "synchronous": False, "damaged": []},
    "redis": {"primary": None, "replicas": []},
    "queue": {"pending": None, "dead": None, "oldest": None, "waiting_seconds": 0.0},
    "votes": {"stored": None, "tally": None},
}


def collect(client: docker.DockerClient) -> dict[str, Any]:
    """Return the status object that `status --json` prints."""
    inside = observe(client)
    try:
        return {"stack": STACK, **_of_swarm(client, inside), **inside}
    except APIError as error:
        if not swarm.leaderless(error):
            raise
        return {"stack": STACK, **_without_leader(inside), **inside}


def healthy(client: docker.DockerClient) -> bool:
    """Whether all is at full strength: asks no further once something is missing, for whoever asks often."""
    inside = observe(client)
    if clusters_missing(inside) or missing(nodes.observe(client), convergence.states(client), inside, {}):
        return False
    return bool(collect(client)["healthy"])


def _of_swarm(client: docker.DockerClient, inside: Mapping[str, Any]) -> dict[str, Any]:
    members, recorded = nodes.observe(client), record.newest(client)
    services = record.wanted(recorded.services if recorded else {}, convergence.states(client))
    visited = visits(client, members, recorded.site) if recorded else []
    absent = missing(members, services, inside, record.changes(client, recorded))
    if services:
        absent += pages.problems(recorded.site, visited) if recorded else [RECORD]
    unchecked = pages.unchecked(recorded.site, visited) if recorded else []
    return {
        "healthy": not absent and not unchecked,
        "missing": absent,
        "unchecked": unchecked,
        "warnings": _warnings(client, members, services, inside),
        "nodes": [_described(node) for node in members],
        "services": [{"name": s.name, "running": s.running, "desired": s.desired} for s in services],
        "pages": [asdict(visit) for visit in visited],
        "urls": dict(recorded.site.urls) if recorded else {},
    }


def _warnings(
    client: docker.DockerClient,
    members: Sequence[Node],
    services: Sequence[ServiceState],
    inside: Mapping[str, Any],
) -> list[str]:
    running = bool(services) and all(service.converged for service in services)
    dead = inside["queue"]["dead"]
    return [
        *([f"{dead} votes could not be stored: python3 deploy.py dead list"] if dead else []),
        *damaged(inside["postgres"]),
        *weaknesses.of(members),
        *weaknesses.crowded(members, convergence.placements(client)),
        *networks.warnings(client),
        *weaknesses.mute(members, running, clusters_missing(inside)),
    ]


def damaged(postgres: Mapping[str, Any]) -> list[str]:
    """Say what to do about damaged pages; a standby that meets one is cloned anew without being asked."""
    return [
        f"{name} has read damaged pages and is the primary: `docker service update --force {STACK}_{name}` "
        "lets a standby take over, and clones it anew"
        for name in postgres.get("damaged", ())  # an observer of the release before knows none
        if name == postgres["primary"]
    ]


def _without_leader(inside: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "healthy": False,
        "missing": [LEADER, *clusters_missing(inside)],
        "unchecked": [],
        "warnings": [swarm.no_leader().what, swarm.no_leader().remedy],
        **dict.fromkeys(("nodes", "services", "pages"), ()),
        "urls": {},
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


def visits(client: docker.DockerClient, members: Sequence[Node], site: Site) -> list[pages.Visit]:
    """Ask for both pages through every edge, as a visitor does."""
    here = client.info()["Swarm"]["NodeID"] if engine.is_local(client) else ""
    return pages.visit(site, edges(members, site, here))


def edges(members: Sequence[Node], site: Site, here: str) -> list[Edge]:
    """Return the nodes that let visitors in now; `here` is the ID of the one that is this machine, if any.

    A paused one still does. Names below localhost lead a visitor to the loopback.
    """
    loopback = all(host.endswith(".localhost") for host in site.hosts.values())
    return [
        Edge(node.name, LOOPBACK if loopback and node.id == here else node.address, node.id == here)
        for node in members
        if node.edge and node.ready and node.availability != "drain"
    ]


def missing(
    members: Sequence[Node],
    services: Sequence[ServiceState],
    inside: Mapping[str, Any],
    changed: Mapping[str, str],
) -> list[str]:
    """Name all that full strength lacks: nodes that carry something, tasks, and members of both clusters.

    `changed` says how services differ from what was deployed, by name.
    """
    if not services:
        return ["the stack: no service is deployed"]
    ours = [node for node in members if node.labels or node.manager]
    away = [f"{node.name} {node.state}" for node in ours if not node.ready]
    short = {s.name: f"{s.name} {s.running}/{s.desired}" for s in services if s.running != s.desired}
    # A service is named once: as it was changed, or else with the count, or else as a member of its cluster.
    named = short | dict(changed)
    return [*away, *named.values(), *(name for name in clusters_missing(inside) if name not in named)]


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
    """Wait for full strength, as far as it can be asked for; raise DeployError after `timeout` seconds."""
    with progress.task("Waiting for both clusters to replicate and both pages to answer") as task:
        while (now := collect(client))["missing"]:
            detail = "missing: " + ", ".join(now["missing"])
            if task.seconds > timeout:
                raise DeployError(
                    f"The stack is not at full strength after {timeout:.0f} s: {detail}",
                    "Look at `python3 deploy.py status` and `python3 deploy.py logs postgres-1` "
                    f"(or redis-1, sentinel-1). {weaknesses.ports(nodes.observe(client))}".rstrip(),
                )
            task.detail(detail)
            time.sleep(POLL_SECONDS)
    for page in now["unchecked"]:
        progress.say(f"  Not checked: {page}")


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
