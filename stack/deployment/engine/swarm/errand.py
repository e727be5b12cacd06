"""A program that runs once, beside a service of the stack: with its image and secrets, in its networks."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import docker
from docker.errors import APIError
from docker.types import ServiceMode

from deployment.configuration.layout import NAMESPACE_LABEL, STACK
from deployment.engine.swarm.services import GONE, last_lines
from deployment.errors import DeployError

NAME = f"{STACK}_errand"
POLL_SECONDS = 0.3
# A node that has never run a service fetches its image first.
FETCHED_SECONDS = 300
# What a program takes over; not its names in the networks, by which others look for the service.
KEPT = ("Image", "Env", "User", "ReadOnly", "CapabilityDrop", "Secrets", "Configs", "DNSConfig")


@dataclass(frozen=True)
class Result:
    """How a program ended: whether well, and its last lines."""

    succeeded: bool
    lines: list[str]


def run(client: docker.DockerClient, beside: str, command: Sequence[str], seconds: float) -> Result:
    """Run a program on the node of a service; raise DeployError if it has not ended within so many seconds.

    It is of the stack while it runs: where that is cut short, the next `up`, `down` or errand removes it.
    """
    return _once(client, template(_specification(client, beside), command), seconds)


def run_on(client: docker.DockerClient, node: str, instead_of: str, script: str, *, without: str) -> Result:
    """Run a shell script on a node (by ID), with the volume that a service would have there.

    Never where the node has the label `without`. Raises DeployError as `run` does.
    """
    place = [f"node.id == {node}", f"node.labels.{without} != true"]
    return _once(client, on_volume(_specification(client, instead_of), script, place), FETCHED_SECONDS)


def _specification(client: docker.DockerClient, service: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = client.api.inspect_service(f"{STACK}_{service}")["Spec"]["TaskTemplate"]
    return found


def _once(client: docker.DockerClient, task_template: Mapping[str, Any], seconds: float) -> Result:
    remove(client)
    client.api.create_service(
        task_template, name=NAME, labels={NAMESPACE_LABEL: STACK}, mode=ServiceMode("replicated", 1)
    )
    try:
        return _ended(client, seconds)
    finally:
        remove(client)


def template(beside: Mapping[str, Any], command: Sequence[str]) -> dict[str, Any]:
    """Return what runs a program once, made of what runs a service; nothing of it is kept on a volume."""
    container = {key: beside["ContainerSpec"][key] for key in KEPT if key in beside["ContainerSpec"]}
    mounts = beside["ContainerSpec"].get("Mounts", [])
    volumes = [{"Type": "tmpfs", "Target": mount["Target"]} for mount in mounts]
    return {
        "ContainerSpec": {
            **container, "Args": list(command), "Mounts": volumes, "Healthcheck": {"Test": ["NONE"]},
        },
        "RestartPolicy": {"Condition": "none"},
        "Networks": [{"Target": network["Target"]} for network in beside["Networks"]],
        **{key: beside[key] for key in ("Placement", "Resources", "LogDriver") if key in beside},
    }  # fmt: skip


def on_volume(instead_of: Mapping[str, Any], script: str, place: Sequence[str]) -> dict[str, Any]:
    """Return what runs a shell script with the volume of a service, without its secrets and networks."""
    container = instead_of["ContainerSpec"]
    kept = {
        key: container[key] for key in ("Image", "User", "ReadOnly", "CapabilityDrop") if key in container
    }
    volumes = [mount for mount in container.get("Mounts", []) if mount["Type"] == "volume"]
    return {
        "ContainerSpec": {
            **kept, "Command": ["sh", "-c", script], "Mounts": volumes, "Healthcheck": {"Test": ["NONE"]},
        },
        "RestartPolicy": {"Condition": "none"},
        "Placement": {"Constraints": list(place)},
        **{key: instead_of[key] for key in ("Resources", "LogDriver") if key in instead_of},
    }  # fmt: skip


def remove(client: docker.DockerClient) -> None:
    """Remove what there is of a program; idempotent."""
    try:
        client.api.remove_service(NAME)
    except APIError as error:
        if error.status_code != 404:
            raise


def _ended(client: docker.DockerClient, seconds: float) -> Result:
    deadline = time.monotonic() + seconds
    state = "new"
    while time.monotonic() < deadline:
        for task in client.api.tasks(filters={"service": NAME}):
            state = task["Status"]["State"]
            if state in GONE:
                return Result(state == "complete", _words(client, task["Status"]))
        time.sleep(POLL_SECONDS)
    raise DeployError(
        f"The program of the service {NAME} has not ended after {seconds:.0f} s: its task is {state}.",
        "`python3 deploy.py status` says how the clusters are. Then run the same command again.",
        _words(client, {}),
    )


def _words(client: docker.DockerClient, status: Mapping[str, Any]) -> list[str]:
    return [*last_lines(client, "errand"), *([str(status["Err"])] if status.get("Err") else [])]
