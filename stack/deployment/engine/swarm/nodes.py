"""The nodes of the Swarm: looking at them, giving them labels and taking them, and removing one."""

import time
from collections.abc import Collection
from contextlib import suppress

import docker
from docker.errors import APIError, NotFound

from deployment.plan.swarm.nodes import Node, from_api, order
from deployment.plan.swarm.placement import Labels

DEMOTED_SECONDS = 30


def observe(client: docker.DockerClient) -> tuple[Node, ...]:
    """Return the nodes of this manager's Swarm, by name."""
    return tuple(sorted(map(from_api, client.api.nodes()), key=order))


def set_availability(client: docker.DockerClient, identifier: str, availability: str) -> None:
    """Let a node take tasks or none: active, pause or drain; idempotent."""
    node = client.nodes.get(identifier)
    specification = node.attrs["Spec"]
    if specification["Availability"] != availability:
        node.update({**specification, "Availability": availability})


def add_labels(client: docker.DockerClient, added: Labels) -> None:
    """Give nodes their labels; those that they have already stay."""
    for identifier, labels in added.items():
        _relabel(client, identifier, add=labels)


def take_labels(client: docker.DockerClient, identifier: str, labels: Collection[str]) -> None:
    """Take labels from a node; those that it does not have do no harm."""
    _relabel(client, identifier, take=labels)


def _relabel(
    client: docker.DockerClient, identifier: str, *, add: Collection[str] = (), take: Collection[str] = ()
) -> None:
    """Give a node other labels; where they are what they were, nothing is told to the Swarm."""
    node = client.nodes.get(identifier)
    specification = node.attrs["Spec"]
    carried = specification.get("Labels") or {}
    kept = {key: value for key, value in carried.items() if key not in take}
    wanted = kept | dict.fromkeys(add, "true")
    if wanted != carried:
        node.update({**specification, "Labels": wanted})


def remove(client: docker.DockerClient, identifier: str) -> None:
    """Remove a node that is away from the Swarm, a manager too; idempotent. Raises APIError if refused."""
    with suppress(NotFound):
        node = client.nodes.get(identifier)
        if node.attrs["Spec"]["Role"] == "manager":
            node.update({**node.attrs["Spec"], "Role": "worker"})
        _remove(client, identifier)


def _remove(client: docker.DockerClient, identifier: str) -> None:
    deadline = time.monotonic() + DEMOTED_SECONDS
    while True:
        try:
            client.api.remove_node(identifier, force=True)
            return
        except NotFound:
            raise
        except APIError:  # a manager's place is given up a moment after its role
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
