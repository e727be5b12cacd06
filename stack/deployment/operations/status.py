"""The state of the stack in one object: nodes, services, both clusters, the queue and the votes stored."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from deployment.configuration.layout import STACK
from deployment.engine import observer, pages
from deployment.engine.machine import engine
from deployment.engine.machine.engine import Client, RefusedError
from deployment.engine.pages import LOOPBACK, Edge
from deployment.engine.records import maintenance as kept_maintenance
from deployment.engine.records import releases, turns
from deployment.engine.records import restoration as begun
from deployment.engine.secrets import credentials, kits, versions
from deployment.engine.swarm import membership, networks, nodes, services
from deployment.errors import DeployError
from deployment.operations.votes import poll
from deployment.plan import maintenance, restoration
from deployment.plan.cluster import accounting, backups, drills, strength
from deployment.plan.cluster.convergence import ServiceState
from deployment.plan.cluster.picture import OPEN, Accounts, Picture, minute
from deployment.plan.cluster.topology import CLUSTERS
from deployment.plan.release import drift, formats, inside, rotation
from deployment.plan.release.entrance import Entrance
from deployment.plan.release.history import Deployment
from deployment.plan.release.release import Release
from deployment.plan.swarm import weaknesses
from deployment.plan.swarm.nodes import Node


def collect(client: Client) -> dict[str, Any]:
    """Return the status object that `status --json` prints."""
    picture = observer.observe(client)
    try:
        return {"stack": STACK, **_of_swarm(client, picture), **asdict(picture)}
    except RefusedError as error:
        if not membership.leaderless(error):
            raise
        return {"stack": STACK, **_without_leader(picture), **asdict(picture)}


def accounts(client: Client) -> Accounts:
    """Return the accounts of all votes; raise DeployError where nobody can say."""
    found = observer.observe(client).accounts
    if found is None:
        raise DeployError(
            "Nobody here can say what became of each vote: no observer answers, or the database or the queue "
            "does not answer it, or the release does not know accounts.",
            "Look at `python3 deploy.py status`, then run the same command again.",
            code=accounting.NOT_KNOWN,
        )
    return found


def healthy(client: Client) -> bool:
    """Whether all is at full strength: asks no further once something is missing, for whoever asks often."""
    picture = observer.observe(client)
    if strength.clusters_missing(picture):
        return False
    if strength.missing(nodes.observe(client), services.states(client), picture, {}):
        return False
    return bool(collect(client)["healthy"])


def missing(client: Client, release: Release, entrance: Entrance) -> list[str]:
    """Name what full strength of a release lacks: services that it has, both clusters, and both pages."""
    members, states = nodes.observe(client), services.states(client)
    running = {state.name for state in states}
    gone = [f"{name} 0/1" for name in release.services if name not in running]
    picture = observer.observe(client)
    lacking = strength.missing(members, states, picture, {})
    has_intake = formats.drainable(formats.of_services(release.services))
    idle = strength.idle(release)
    lacking += strength.unanswered(picture, has_intake=has_intake, has_workers="worker" not in idle)
    visited = [v for v in visits(client, members, entrance) if v.page not in idle]
    taken = picture.queue.intake == OPEN
    return [*lacking, *gone, *pages.problems(entrance, visited, votes_taken=taken)]


def _of_swarm(client: Client, picture: Picture) -> dict[str, Any]:
    members, states, last = nodes.observe(client), services.states(client), _last(client)
    wanted = drift.wanted(last.services, states) if last and states else states
    changed = (
        drift.differences(last.services, services.described(services.specifications(client))) if last else {}
    )
    absent = strength.missing(members, wanted, picture, changed)
    kept = kept_maintenance.read(client)
    idle = strength.idle(last.release) if last and states else {}
    absent += [
        *idle.values(),
        *maintenance.closed(picture.queue.intake, kept),
        *strength.certificate_missing(picture),
    ]
    absent += strength.votes_lost(picture)
    entrance = credentials.entrance_of(client, last.release) if last and states else None
    visited = visits(client, members, entrance) if entrance else []
    if states:
        visited = [visit for visit in visited if visit.page not in idle]
        taken = picture.queue.intake == OPEN
        absent += pages.problems(entrance, visited, votes_taken=taken) if entrance else [strength.RECORD]
    unchecked = [
        *(pages.unchecked(entrance, visited) if entrance else []),
        *strength.votes_unchecked(picture),
    ]
    return {
        "healthy": not absent and not unchecked,
        "missing": absent,
        "unchecked": unchecked,
        "warnings": [
            *warnings(client, members, wanted, picture),
            *_other_certificate(visited, picture),
            *([inside.NOT_DEMANDED] if last and inside.offered(last.release) else []),
            *rotation.unfinished(versions.stages(client)),
            *(kits.due(client, last.release) if last else []),
            *restoration.unfinished(begun.read(client)),
        ],
        "release": _described_release(last),
        "lock": held.holder.sentence() if (held := turns.read(client)) else None,
        "maintenance": asdict(kept) if kept else None,
        "nodes": [_described(node) for node in members],
        "services": [_described_service(state, members) for state in wanted],
        "pages": [asdict(visit) for visit in visited],
        "urls": dict(entrance.urls) if entrance else {},
    }


def _last(client: Client) -> Deployment | None:
    kept = releases.read(client)
    return kept[-1] if kept else None


def warnings(
    client: Client, members: Sequence[Node], states: Sequence[ServiceState], picture: Picture
) -> list[str]:
    """Return what an operator should know although nothing may be missing."""
    running = bool(states) and all(state.converged for state in states)
    dead = picture.queue.dead
    return [
        *([f"{dead} votes could not be stored: python3 deploy.py dead list"] if dead else []),
        *strength.damaged(picture.postgres),
        *strength.certificate_warnings(picture),
        *_of_backups(picture),
        *weaknesses.of(members),
        *weaknesses.crowded(members, services.placements(client)),
        *networks.warnings(client),
        *weaknesses.mute(members, running, strength.clusters_missing(picture)),
    ]


def _of_backups(picture: Picture) -> list[str]:
    drilled = drills.warnings(picture.backups.drill, picture.at or 0) if picture.backups else []
    return [backups.sentence(*each) for each in (*backups.warnings(picture), *drilled)]


def _other_certificate(visited: Sequence[pages.Visit], picture: Picture) -> list[str]:
    """Say which edges show another certificate than the newest, of which all else here speaks."""
    newest = picture.certificates.not_after if picture.certificates else None
    edges = pages.outdated(visited, newest) if newest else []
    if newest is None or not edges:
        return []
    return [
        f"the newest certificate, until {minute(newest)}, is not what {', '.join(edges)} shows: look at "
        "`python3 deploy.py logs traefik`"
    ]


def _without_leader(picture: Picture) -> dict[str, Any]:
    return {
        "healthy": False,
        "missing": [strength.LEADER, *strength.clusters_missing(picture)],
        "unchecked": [],
        "warnings": [membership.no_leader().what, membership.no_leader().remedy],
        "release": None,
        **dict.fromkeys(("lock", "maintenance")),
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


def _described_service(state: ServiceState, members: Sequence[Node]) -> dict[str, Any]:
    names = {node.id: node.name for node in members}
    on = sorted({names.get(node, node) for node in state.nodes})
    return {"name": state.name, "running": state.running, "desired": state.desired, "nodes": on}


def _described_release(last: Deployment | None) -> dict[str, Any] | None:
    if last is None:
        return None
    return {
        "number": last.number,
        "identity": last.release.identity,
        "at": last.at,
        "by": last.by,
        "source": last.source,
    }


def visits(client: Client, members: Sequence[Node], entrance: Entrance) -> list[pages.Visit]:
    """Ask for both pages through every edge, as a visitor does."""
    here = client.info()["Swarm"]["NodeID"] if engine.is_local(client) else ""
    return pages.visit(entrance, edges(members, entrance, here))


def edges(members: Sequence[Node], entrance: Entrance, here: str) -> list[Edge]:
    """Return the nodes that let visitors in now; `here` is the ID of the one that is this machine, if any.

    A paused one still does. Names below localhost lead a visitor to the loopback.
    """
    loopback = all(host.endswith(".localhost") for host in entrance.hosts.values())
    return [
        Edge(node.name, LOOPBACK if loopback and node.id == here else node.address, node.id == here)
        for node in members
        if node.edge and node.ready and node.availability != "drain"
    ]


def cluster_lines(status: Mapping[str, Any]) -> list[str]:
    """Say of each cluster in one line who leads, who follows, and how far each is behind."""
    if status["at"] is None:
        return [f"{' and '.join(CLUSTERS.values())}: unknown"]
    return [
        _cluster_line(CLUSTERS["postgres"], status["postgres"], "standbys"),
        _cluster_line(CLUSTERS["redis"], status["redis"], "replicas"),
    ]


def _cluster_line(name: str, cluster: Mapping[str, Any], members: str) -> str:
    primary = f"{cluster['primary']} (primary)" if cluster["primary"] else "no primary"
    followers = [f"{member} ({_behind(cluster['lag_bytes'].get(member))})" for member in cluster[members]]
    return f"{name}: {', '.join([primary, *followers])}"


def _behind(lag: int | None) -> str:
    return "lag unknown" if lag is None else f"{lag:,} bytes behind"


def poll_lines(status: Mapping[str, Any]) -> list[str]:
    """Say which poll there is, where that is known."""
    return [poll.line(status["poll"])] if status["poll"] else []


def certificate_lines(status: Mapping[str, Any]) -> list[str]:
    """Say of each name who signed for it, until when, when that is renewed, and which record guards it."""
    found = status["certificates"]
    if found is None:
        return []
    until, renewal = (minute(found[key]) if found[key] else "unknown" for key in ("not_after", "renew_at"))
    rest = f"until {until}, next renewal {renewal}" if found["not_after"] else "none yet"
    lines = [f"Certificate of {name}: {_issuer(found['issuer'])}, {rest}" for name in found["names"]]
    guard = [f"CAA record to set, so that nobody else gets one: {found['caa']}"] if found["caa"] else []
    return [*lines, *guard]


def backup_lines(status: Mapping[str, Any]) -> list[str]:
    """Say how old the last backup is, and whether one was tried, where there is a store."""
    found, at = status["backups"], status["at"]
    return [backups.line(found, at), drills.line(found["drill"], at)] if found else []


def _issuer(issuer: str) -> str:
    return "local authority" if issuer == "local" else str(urlsplit(issuer).netloc)


def node_line(node: Mapping[str, Any]) -> str:
    """Say in one line what a node is and carries."""
    roles = [name for name in ("manager", "edge") if node[name]]
    slots = [f"slot {n}" for n in node["slots"]]
    return f"Node {node['name']}: {', '.join([node['state'], node['availability'], *roles, *slots])}"
