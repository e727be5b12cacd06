"""`deploy.py doctor`: what is wrong with the machines and the stack; it changes nothing."""

import socket
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from urllib3.exceptions import HTTPError

from deployment.configuration.settings import Settings
from deployment.engine import observer
from deployment.engine.doctor import append_only as checking
from deployment.engine.doctor import asking, mesh, surroundings, visit
from deployment.engine.machine import engine, host
from deployment.engine.machine.engine import Client, EngineError, RefusedError
from deployment.engine.records import releases
from deployment.engine.secrets import credentials, kits
from deployment.engine.swarm import membership, nodes
from deployment.engine.swarm import networks as of_swarm
from deployment.engine.swarm.membership import Membership
from deployment.errors import DeployError
from deployment.operations import status
from deployment.plan.cluster.picture import UNKNOWN
from deployment.plan.doctor import append_only, backups, finding, machine, network, pages, swarm
from deployment.plan.doctor.finding import Finding, unknown
from deployment.plan.doctor.pages import Shown
from deployment.plan.release.history import Deployment
from deployment.plan.swarm import capacity
from deployment.plan.swarm.nodes import Node
from deployment.progress import Progress

DATA_ROOT = "/var"
UNREACHABLE = (EngineError, HTTPError, OSError, DeployError)


def examine(settings: Settings, progress: Progress) -> list[Finding]:
    """Return what is found, the worst first; runs without a stack, a Swarm or an engine, too."""
    try:
        client = engine.connect()
        if client is None:
            return finding.worst_first([machine.NO_ENGINE, *_of_machine(settings, {})])
        info, member = client.info(), membership.membership(client)
    except UNREACHABLE as error:
        silent = unknown("engine", f"The engine does not answer: {error}.", "docker info")
        return finding.worst_first([silent, *_of_machine(settings, {})])
    found = machine.engine(info)
    if member is not Membership.MANAGER:
        found += [swarm.NO_SWARM, *_of_machine(settings, info)]
    else:
        found += _of_swarm(client, settings, progress, info)
    found.append(swarm.images(surroundings.unused_images(client)))
    return finding.worst_first(found)


def _of_swarm(
    client: Client, settings: Settings, progress: Progress, info: Mapping[str, Any]
) -> list[Finding]:
    """Judge all nodes, or, where the Swarm does not say which there are, this machine."""
    try:
        members, kept = nodes.observe(client), releases.read(client)
        visit.tidy(client)
    except UNREACHABLE as error:
        leaderless = isinstance(error, RefusedError) and membership.leaderless(error)
        silent = swarm.NO_LEADER if leaderless else unknown("swarm", f"The Swarm does not answer: {error}.")
        return [silent, *_of_machine(settings, info)]
    return _of_nodes_and_stack(client, settings, progress, members, kept)


def _of_machine(settings: Settings, info: Mapping[str, Any]) -> list[Finding]:
    """Judge this machine, before it is in a Swarm; `info` is what its engine says of itself, if it does."""
    name = socket.gethostname()
    if (there := info.get("Name", name)) != name:
        return [unknown("machine", f"The engine is on {there}. Run `doctor` on that machine.")]
    remapped = machine.remapped(info) if info else None
    here = asking.here(name, host.seen(str(info.get("DockerRootDir", DATA_ROOT))), remapped)
    judged = [network.overlaps(here, ()), *network.mtu([here])]
    return [*machine.node(here, encrypted=settings.network_encryption), *(each for each in judged if each)]


def _of_nodes_and_stack(
    client: Client,
    settings: Settings,
    progress: Progress,
    members: Sequence[Node],
    kept: Sequence[Deployment],
) -> list[Finding]:
    now = datetime.now(UTC)
    with progress.task("Asking every node") as task:
        of_nodes = _guarded("nodes", lambda: _of_nodes(client, settings, members))
        task.detail("sending large packets between containers of all nodes")
        meshed = _guarded("network.mesh", lambda: _mesh(client, settings, members))
        task.detail("reading the append-only files of Redis")
        checked = _guarded("append-only", lambda: _append_only(client))
    return [
        *swarm.nodes(members),
        swarm.managers(members),
        swarm.last_up(kept, now),
        *_guarded("backups", lambda: _backups(client, kept, members)),
        *of_nodes,
        *meshed,
        *checked,
        *_guarded("memory", lambda: _memory(kept, members)),
        *(_guarded("pages", lambda: _pages(client, members, kept[-1], now)) if kept else []),
    ]


def _backups(client: Client, kept: Sequence[Deployment], members: Sequence[Node]) -> list[Finding]:
    """Judge the backups, whether one of them was tried, and whether a recovery kit has their key."""
    store = str(kept[-1].release.variables.get("BACKUP_STORE", "")) if kept else ""
    if not store:
        return backups.judge(store, UNKNOWN, members)
    judged = backups.judge(store, observer.observe(client), members)
    return [*judged, *backups.kit(kits.reasons(client, kept[-1].release))]


def _of_nodes(client: Client, settings: Settings, members: Sequence[Node]) -> list[Finding]:
    ready = {node.address: node.name for node in members if node.ready}
    asked, there = asking.probe_nodes(client, members), of_swarm.of_stack(client)
    return [
        *(f for each in asked for f in machine.node(each, encrypted=settings.network_encryption)),
        *machine.clocks(asked),
        *network.ports(asked, ready),
        *network.mtu(asked),
        *(f for each in asked if (f := network.overlaps(each, there))),
    ]


def _mesh(client: Client, settings: Settings, members: Sequence[Node]) -> list[Finding]:
    """Judge what containers reach of those on other nodes; one node has no others."""
    if sum(node.usable for node in members) < 2:
        return []
    return network.mesh(members, *mesh.probe_mesh(client, members, encrypted=settings.network_encryption))


def _append_only(client: Client) -> list[Finding]:
    return [append_only.judge(node, *checked) for node, checked in checking.check(client).items()]


def _memory(kept: Sequence[Deployment], members: Sequence[Node]) -> list[Finding]:
    limits = capacity.needed(kept[-1].release, members) if kept else 0
    return [machine.memory({node.name: node.memory for node in members if node.usable}, limits)]


def _pages(client: Client, members: Sequence[Node], last: Deployment, now: datetime) -> list[Finding]:
    entrance = credentials.entrance_of(client, last.release)
    visited = status.visits(client, members, entrance)
    shown: dict[str, list[Shown]] = {}
    for each in visited:
        shown.setdefault(each.edge, []).append(Shown(each.certificate, each.until, each.problem))
    return [
        *pages.names(
            surroundings.resolve(sorted(set(last.release.hosts))), [n.address for n in members if n.edge]
        ),
        *pages.certificates(shown, now),
    ]


def _guarded(name: str, ask: Callable[[], list[Finding]]) -> list[Finding]:
    """Return what is found, or that it could not be asked: one silent part must not hide all others."""
    try:
        return ask()
    except UNREACHABLE as error:
        return [unknown(name, f"Nobody answered: {error}.")]
