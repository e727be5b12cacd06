"""Which key is whose, kept in the Swarm: each manager knows it, and a newer record replaces it."""

import json

import docker

from deployment.configuration.layout import STACK
from deployment.engine.records.shelf import Shelf
from deployment.plan.release.options import Options, of_environment

SHELF = Shelf("vote-app.options")


def recorded(client: docker.DockerClient) -> Options | None:
    """Return the options that were deployed last; None before the first time.

    A stack from before there was a record is asked what it offers.
    """
    if latest := SHELF.latest(client):
        content = json.loads(latest)
        return Options(content["names"], tuple(content["offered"]))
    services = client.services.list(filters={"name": f"{STACK}_vote"})
    if not services:
        return None
    told = services[0].attrs["Spec"]["TaskTemplate"]["ContainerSpec"].get("Env") or []
    return of_environment(dict(line.split("=", 1) for line in told if "=" in line))


def kept(client: docker.DockerClient) -> bool:
    """Whether there is a record, and not only a stack that can be asked."""
    return bool(SHELF.read(client))


def record(client: docker.DockerClient, options: Options) -> None:
    """Keep the options with the stack, before they are deployed: no key may get a second meaning.

    Raises APIError if another manager does so at the same time.
    """
    before = SHELF.read(client)
    if before and recorded(client) == options:
        return
    mark = str(max(map(int, before), default=0) + 1)
    content = json.dumps({"names": options.names, "offered": options.offered}).encode()
    SHELF.put(client, f"{STACK}_options_{mark}", mark, content)
    SHELF.remove(client, before)


def forget(client: docker.DockerClient) -> None:
    """Remove what is kept of the options: with the votes they mean nothing any more."""
    SHELF.clear(client)
