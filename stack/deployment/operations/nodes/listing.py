"""What `deploy.py nodes list` and `nodes join` say."""

from collections.abc import Mapping
from typing import Any

from deployment.engine import observer
from deployment.engine.machine import engine, host
from deployment.engine.machine.engine import Client
from deployment.engine.swarm import membership, nodes
from deployment.errors import DeployError
from deployment.operations.runner import log
from deployment.plan.swarm import departure, weaknesses

GIB = 1024
NOT_KNOWN = "not known from here"


def described(client: Client) -> list[dict[str, Any]]:
    """Return what is known of each node; the free disk, in MiB, is known of this machine alone.

    Without an answer of the observer nobody knows who has which primary.
    """
    picture, here = observer.observe(client), _here(client)
    return [
        {
            "name": node.name,
            "id": node.id,
            "role": "manager" if node.manager else "worker",
            "state": node.state,
            "availability": node.availability,
            "engine": node.engine,
            "slots": list(node.slots),
            "edge": node.edge,
            "primaries": None if picture.at is None else departure.held(node, picture.primaries),
            "disk_free_mib": _disk(client) if node.id == here else None,
        }
        for node in nodes.observe(client)
    ]


def row(node: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a table shows of a node."""
    disk, primaries = node["disk_free_mib"], node["primaries"]
    state = node["state"] if node["availability"] == "active" else f"{node['state']}, {node['availability']}"
    return (
        node["name"], node["role"], state, node["engine"], ", ".join(map(str, node["slots"])) or "-",
        "yes" if node["edge"] else "-", NOT_KNOWN if primaries is None else ", ".join(primaries) or "-",
        NOT_KNOWN if disk is None else f"{disk // GIB} GiB free",
    )  # fmt: skip


def joining(client: Client, *, worker: bool) -> list[str]:
    """Return the command by which a machine joins, and what it needs; the audit log keeps no token."""
    role = "worker" if worker else "manager"
    own = [node for node in nodes.observe(client) if node.id == client.info()["Swarm"]["NodeID"]]
    if not own or not own[0].address:
        raise DeployError(
            "This manager does not say at which address others reach it.",
            f"Run on this machine: docker swarm join-token {role}",
        )
    command = f"docker swarm join --token {membership.token(client, role)} {_host(own[0].address)}:2377"
    log.note(client, "nodes join", f"showed the command for a {role}")
    return [
        f"Run this on the new machine, as root; it joins as a {role}. Who has the token can join, too:",
        f"  {command}",
        f"All nodes must reach each other at {weaknesses.PORTS}.",
        "Then run `python3 deploy.py up` here: it says what the new node could carry.",
    ]


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _here(client: Client) -> str:
    """Return the ID of the node that is this machine, if any."""
    return str(client.info()["Swarm"]["NodeID"]) if engine.is_local(client) else ""


def _disk(client: Client) -> int | None:
    return host.observe(str(client.info()["DockerRootDir"])).disk_mib
