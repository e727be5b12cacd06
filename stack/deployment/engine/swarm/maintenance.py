"""Who paused the voting, kept in the Swarm: each manager knows it, and it outlives the queue's servers."""

import docker
from pydantic import TypeAdapter

from deployment.configuration.layout import STACK
from deployment.engine.swarm.shelf import Shelf
from deployment.plan.maintenance import Maintenance

SHELF = Shelf("vote-app.maintenance")
READER = TypeAdapter(Maintenance)


def read(client: docker.DockerClient) -> Maintenance | None:
    """Return the maintenance that there is, if any."""
    latest = SHELF.latest(client)
    return READER.validate_json(latest) if latest else None


def keep(client: docker.DockerClient, maintenance: Maintenance) -> None:
    """Keep it in place of the one before; raise APIError if another manager does so at the same time."""
    SHELF.replace(client, f"{STACK}_maintenance", READER.dump_json(maintenance))


def forget(client: docker.DockerClient) -> None:
    """Remove it; where there is none that is no error."""
    SHELF.clear(client)
