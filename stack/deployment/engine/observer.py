"""Asking this node's observer, which is on both data networks: for its picture, and for the dead letters."""

import json
from collections.abc import Iterator
from typing import Any

import docker
from docker.errors import APIError

from deployment.configuration.layout import STACK
from deployment.errors import DeployError
from deployment.plan.cluster.picture import UNKNOWN, Picture, parse
from deployment.plan.cluster.topology import OBSERVER

PICTURE = ["sh", "-c", "date +%s && cat /tmp/status.json"]
RUNNING = {"label": f"com.docker.swarm.service.name={STACK}_{OBSERVER}", "status": "running"}


def observe(client: docker.DockerClient) -> Picture:
    """Return the picture of this node's observer; UNKNOWN without one."""
    for container in client.api.containers(filters=RUNNING):
        answer = _ask(client, container["Id"])
        if answer and (found := parse(answer)).at:
            return found
    return UNKNOWN


def _ask(client: docker.DockerClient, container: str) -> bytes | None:
    """Run the question in an observer; None if that is just going away."""
    try:
        started = client.api.exec_create(container, PICTURE, stderr=False)
        answer = client.api.exec_start(started["Id"])
        succeeded = client.api.exec_inspect(started["Id"])["ExitCode"] == 0
    except APIError:
        return None
    return bytes(answer) if succeeded else None


def answer(client: docker.DockerClient, *command: str) -> dict[str, Any]:
    """Return the JSON object that a program in the observer's container prints; raise like `output`."""
    found: dict[str, Any] = json.loads(b"".join(output(client, *command)))
    return found


def set_intake(client: docker.DockerClient, state: str, seconds: int = 0) -> int:
    """Say whether votes are taken, for so many seconds if any; without a state only look.

    Return how many entries waited after that. Raises like `output`.
    """
    told = [word for word in (state, str(seconds or "")) if word]
    return int(answer(client, "python", "-m", "observer.intake", *told)["pending"])


def output(client: docker.DockerClient, *command: str) -> Iterator[bytes]:
    """Yield what a program in the observer's container prints; raise DeployError with its complaint."""
    started = client.api.exec_create(_container(client), list(command))
    complaint = b""
    for printed, errors in client.api.exec_start(started["Id"], stream=True, demux=True):
        complaint += errors or b""
        if printed:
            yield printed
    if client.api.exec_inspect(started["Id"])["ExitCode"] != 0:
        lines = complaint.decode(errors="replace").strip().splitlines()
        raise DeployError(
            f"The observer could not run `{' '.join(command)}`: {lines[-1] if lines else 'no answer'}.",
            "Look at `python3 deploy.py status`, then run the same command again.",
            lines[:-1],
        )


def _container(client: docker.DockerClient) -> str:
    for container in client.api.containers(filters=RUNNING):
        return str(container["Id"])
    raise DeployError(
        "No observer runs on this node, and only it can ask the data nodes.",
        "Run this on another manager (a drained node has none), or bring the stack up: python3 deploy.py up",
    )
