"""The networks that the Swarm has, and this machine's routes, held against what is wanted."""

from functools import cache
from pathlib import Path
from typing import Any

import docker

from deployment.configuration import overlays
from deployment.configuration.layout import NAMESPACE, NAMESPACE_LABEL, STACK, STACK_FILE
from deployment.configuration.settings import Settings
from deployment.engine.machine import engine
from deployment.plan.swarm import networks
from deployment.plan.swarm.networks import DOCKER_MESH, DOCKER_POOL, Network, Route, from_api

ROUTES = Path("/proc/net/route")


def check(client: docker.DockerClient | None, settings: Settings) -> None:
    """Raise DeployError, before anything is changed, if the networks could not be made as wanted."""
    of_swarm = _of_swarm(client) if client else []
    taken = [n.subnet for n in map(from_api, of_swarm) if n.subnet] or [DOCKER_MESH]
    pool = (client.info()["Swarm"].get("Cluster") or {}) if client else {}
    free = networks.unused({k: pool.get(k) or value for k, value in DOCKER_POOL.items()}, taken)
    there = [from_api(network) for network in of_swarm if _ours(network)]
    described = networks.joined([path.read_text() for path in (STACK_FILE, *overlays.chosen(settings))])
    subnets = networks.carve(settings.network_subnets) if settings.network_subnets else {}
    wanted, known = networks.intended(described, subnets, there, free), _known(client)
    networks.require_sound(wanted, there, known)
    networks.require_outside(wanted, settings.backup_s3_endpoint, known)


def warnings(client: docker.DockerClient) -> list[str]:
    """Return the weaknesses of the networks that the stack has."""
    return networks.weaknesses(_of_stack_file(), of_stack(client), _known(client))


@cache
def _of_stack_file() -> tuple[Network, ...]:
    """Return what the stack file itself says; `status` asks every second while `up` waits."""
    described = networks.merged([STACK_FILE.read_text()])
    return tuple(Network(name, None, bool(network.get("internal"))) for name, network in described.items())


def _of_swarm(client: docker.DockerClient) -> list[dict[str, Any]]:
    managed = client.info()["Swarm"]["ControlAvailable"]
    return list(client.api.networks(filters={"scope": "swarm"})) if managed else []


def _ours(network: dict[str, Any]) -> bool:
    return (network.get("Labels") or {}).get(NAMESPACE_LABEL) == STACK


def _known(client: docker.DockerClient | None) -> list[Route]:
    """Return this machine's routes; none if the engine is on another one."""
    if (client and not engine.is_local(client)) or not ROUTES.exists():
        return []
    return networks.routes(ROUTES.read_text())


def of_stack(client: docker.DockerClient) -> list[Network]:
    """Return the networks that the stack has."""
    return [from_api(network) for network in client.api.networks(filters={"label": NAMESPACE})]
