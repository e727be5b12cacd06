"""What stands in a report: versions, what services were told, and their last words."""

from collections.abc import Mapping
from typing import Any

import docker
from docker.errors import APIError
from requests.exceptions import RequestException

from deployment.configuration.layout import NAMESPACE, STACK
from deployment.engine.swarm import nodes, services

LAST_LINES = 200


def versions(client: docker.DockerClient | None) -> dict[str, Any]:
    """Return what the engine says that it is; nothing without one."""
    if client is None:
        return {"engine": None}
    found = client.version()
    return {
        "engine": {name: found.get(name) for name in ("Version", "ApiVersion", "KernelVersion", "Os", "Arch")}
    }


def specifications(client: docker.DockerClient) -> list[Mapping[str, Any]]:
    """Return what each service was told: of secrets and configs only names stand there."""
    return [service["Spec"] for service in services.specifications(client)]


def logs(client: docker.DockerClient) -> dict[str, str]:
    """Return the last lines of each service; where they cannot be had, why."""
    names = [spec["Name"].removeprefix(f"{STACK}_") for spec in specifications(client)]
    return {name: _log(client, f"{STACK}_{name}") for name in sorted(names)}


def _log(client: docker.DockerClient, service: str) -> str:
    try:
        parts = client.api.service_logs(
            service, stdout=True, stderr=True, tail=LAST_LINES, follow=False, timestamps=True, is_tty=False
        )
        return b"".join(parts).decode(errors="replace")
    except (APIError, RequestException) as error:
        return f"no log: {error}\n"


def addresses(client: docker.DockerClient) -> list[str]:
    """Return the addresses of nodes and of containers, none of which is a visitor's."""
    inside = [
        str(network["Addresses"][0]).partition("/")[0]
        for task in client.api.tasks(filters={"label": NAMESPACE})
        for network in task.get("NetworksAttachments") or ()
        if network.get("Addresses")
    ]
    return [*(node.address for node in nodes.observe(client)), *inside]
