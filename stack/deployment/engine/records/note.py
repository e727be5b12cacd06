"""What the Swarm keeps one of at most, such as the maintenance that there is: each manager knows it."""

from typing import Generic, TypeVar

import docker
from pydantic import TypeAdapter

from deployment.configuration.layout import STACK
from deployment.engine.records.shelf import Shelf

Kept = TypeVar("Kept")


class Note(Generic[Kept]):
    """The one document of a kind, by the name of the kind."""

    def __init__(self, name: str, kind: type[Kept]) -> None:
        self._shelf, self._name = Shelf(f"vote-app.{name}"), f"{STACK}_{name}"
        self._format = TypeAdapter(kind)

    def read(self, client: docker.DockerClient) -> Kept | None:
        """Return what is kept, if anything."""
        latest = self._shelf.latest(client)
        return self._format.validate_json(latest) if latest else None

    def keep(self, client: docker.DockerClient, content: Kept) -> None:
        """Keep it in place of the one before; raise APIError if another manager does so at the same time."""
        self._shelf.replace(client, self._name, self._format.dump_json(content))

    def forget(self, client: docker.DockerClient) -> None:
        """Remove it; where there is none that is no error."""
        self._shelf.clear(client)
