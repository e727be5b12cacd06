"""The state of the stack in one object: services, both clusters, the queue and the votes stored."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import docker
from docker.errors import APIError

from deployment import convergence
from deployment.convergence import ServiceState
from deployment.errors import DeployError
from deployment.layout import STACK
from deployment.progress import Progress

PROBE = ["python", "-m", "worker.status"]
DATA_NODES = 3
POLL_SECONDS = 1.0
UNKNOWN: dict[str, Any] = {
    "postgres": {"primary": None, "standbys": [], "synchronous": False},
    "redis": {"primary": None, "replicas": []},
    "queue": {"pending": None, "dead": None},
    "votes": {"stored": None},
}


def collect(client: docker.DockerClient, urls: Mapping[str, str]) -> dict[str, Any]:
    """Return the status object that `status --json` prints."""
    services = convergence.states(client)
    inside = _inside(client)
    return {
        "stack": STACK,
        "healthy": healthy(services, inside),
        "services": [{"name": s.name, "running": s.running, "desired": s.desired} for s in services],
        **inside,
        "urls": dict(urls),
    }


def healthy(services: Sequence[ServiceState], inside: Mapping[str, Any]) -> bool:
    """Whether everything is at full strength: all tasks, and both clusters with all their nodes."""
    postgres, redis = inside["postgres"], inside["redis"]
    return (
        bool(services)
        and all(service.running == service.desired for service in services)
        and postgres["primary"] is not None
        and postgres["synchronous"]
        and len(postgres["standbys"]) == DATA_NODES - 1
        and redis["primary"] is not None
        and len(redis["replicas"]) == DATA_NODES - 1
    )


def wait_healthy(client: docker.DockerClient, progress: Progress, timeout: float) -> None:
    """Wait for both clusters to be at full strength; raise DeployError after `timeout` seconds."""
    with progress.task("Waiting for PostgreSQL and Redis to replicate") as task:
        while not (now := collect(client, {}))["healthy"]:
            detail = summary(now)
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
    return (
        f"PostgreSQL primary {postgres['primary'] or 'none'} with {len(postgres['standbys'])} standby(s), "
        f"Redis primary {redis['primary'] or 'none'} with {len(redis['replicas'])} replica(s)"
    )


def _inside(client: docker.DockerClient) -> dict[str, Any]:
    """Ask a worker, the one service that is on both data networks."""
    label = {"label": f"com.docker.swarm.service.name={STACK}_worker", "status": "running"}
    for container in client.api.containers(filters=label):
        if answer := _ask(client, container["Id"]):
            return {**UNKNOWN, **json.loads(answer)}
    return UNKNOWN


def _ask(client: docker.DockerClient, container: str) -> bytes | None:
    """Run the probe in a worker; None if that worker is just going away."""
    try:
        started = client.api.exec_create(container, PROBE, stderr=False)
        answer = client.api.exec_start(started["Id"])
        succeeded = client.api.exec_inspect(started["Id"])["ExitCode"] == 0
    except APIError:
        return None
    return bytes(answer) if succeeded else None
