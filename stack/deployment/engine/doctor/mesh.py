"""Whether containers of all nodes exchange large packets, over an overlay network of some seconds."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import docker
from docker.errors import APIError
from docker.types import EndpointSpec

from deployment.engine.doctor import mesh_probe, visit
from deployment.plan.swarm.nodes import Node

# A probe gives up after twenty; the image may have to be pulled before.
SECONDS, POLL_SECONDS = 60.0, 0.3
REMOVAL_SECONDS = 20.0

Reached = dict[str, list[str]]
"""IDs of the nodes that were reached, by that of the node that asked."""


def probe_mesh(
    client: docker.DockerClient, nodes: Sequence[Node], *, encrypted: bool
) -> tuple[Reached | None, str]:
    """Return who reaches whom, of the nodes that take tasks; None, and why, where it could not be tried.

    It is tried as the stack's networks are: encrypted or not.
    """
    count, image = sum(node.usable for node in nodes), visit.image(client)
    if not image:
        return None, visit.NO_IMAGE
    try:
        with _network(client, encrypted=encrypted) as name:
            return _hear(client, image, name, count), ""
    except APIError as error:
        return None, str(error.explanation or error)


def _hear(client: docker.DockerClient, image: str, name: str, count: int) -> Reached:
    """Run a probe on each node that takes tasks, and return what those say that answer in time."""
    template = visit.probe(image, mesh_probe, [name, str(count)], name)
    reached: Reached = {}
    with visit.visit(
        client, template, name=name, mode="global", endpoint=EndpointSpec(mode="dnsrr")
    ) as service:
        note = partial(take, reached)
        threading.Thread(target=visit.listen, args=(client, service, note), daemon=True).start()
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline and len(reached) < count:
            time.sleep(POLL_SECONDS)
    return reached


def take(reached: Reached, line: str) -> None:
    """Take a line of a probe: its node, then a JSON object; what is not such a line is no answer."""
    node, _, said = line.partition(" ")
    if node and said.startswith('{"reached"'):
        reached[node] = json.loads(said)["reached"]


@contextmanager
def _network(client: docker.DockerClient, *, encrypted: bool) -> Iterator[str]:
    """Make a network of no other use, and remove it whatever happens."""
    name = visit.new_name()
    made = client.api.create_network(
        name, driver="overlay", internal=True, labels={visit.LABEL: "mesh"},
        options={"encrypted": ""} if encrypted else None,
    )  # fmt: skip
    try:
        yield name
    finally:
        _remove(client, made["Id"])


def _remove(client: docker.DockerClient, network: str) -> None:
    """Remove it once its last task is gone; what stays is removed the next time."""
    deadline = time.monotonic() + REMOVAL_SECONDS
    while True:
        try:
            client.api.remove_network(network)
            return
        except APIError:
            if time.monotonic() > deadline:
                return
            time.sleep(POLL_SECONDS)
