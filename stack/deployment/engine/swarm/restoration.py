"""The restoration that was begun and has not ended, kept in the Swarm: each manager can go on with it."""

import docker
from pydantic import TypeAdapter

from deployment.configuration.layout import STACK
from deployment.engine.swarm.shelf import Shelf
from deployment.plan.restoration import Restoration

SHELF = Shelf("vote-app.restoration")
READER = TypeAdapter(Restoration)


def read(client: docker.DockerClient) -> Restoration | None:
    """Return the restoration that was begun, if any."""
    latest = SHELF.latest(client)
    return READER.validate_json(latest) if latest else None


def keep(client: docker.DockerClient, restoration: Restoration) -> None:
    """Keep it in place of the one before; raise APIError if another manager does so at the same time."""
    SHELF.replace(client, f"{STACK}_restoration", READER.dump_json(restoration))


def forget(client: docker.DockerClient) -> None:
    """Remove it; where there is none that is no error."""
    SHELF.clear(client)
