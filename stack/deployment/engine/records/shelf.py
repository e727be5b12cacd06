"""Small documents that the Swarm itself keeps, as configs under a label: each manager knows them."""

import base64
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

import docker
from docker.errors import NotFound
from docker.models.configs import Config


@dataclass(frozen=True)
class Shelf:
    """Documents of one kind, each with a mark of its own: the value of their `label`."""

    label: str

    def read(self, client: docker.DockerClient) -> dict[str, bytes]:
        """Return the documents by their marks."""
        return {mark: base64.b64decode(c.attrs["Spec"]["Data"]) for mark, c in self._configs(client).items()}

    def latest(self, client: docker.DockerClient) -> bytes | None:
        """Return the newest document, where marks are numbers; None where there is none."""
        documents = self.read(client)
        return documents[max(documents, key=int)] if documents else None

    def replace(self, client: docker.DockerClient, name: str, content: bytes) -> None:
        """Put a document in place of those before; raise APIError if another manager does so at that time."""
        before = self.read(client)
        mark = str(max(map(int, before), default=0) + 1)
        self.put(client, f"{name}_{mark}", mark, content)
        self.remove(client, before)

    def put(self, client: docker.DockerClient, name: str, mark: str, content: bytes) -> None:
        """Add a document; raise APIError if another manager has put one of this name."""
        client.configs.create(name=name, data=content, labels={self.label: mark})

    def remove(self, client: docker.DockerClient, marks: Iterable[str]) -> None:
        """Remove documents by their marks; one that is gone already is no error."""
        found = self._configs(client)
        for mark in marks:
            if config := found.get(mark):
                with suppress(NotFound):
                    config.remove()

    def clear(self, client: docker.DockerClient) -> None:
        """Remove all documents."""
        self.remove(client, self.read(client))

    def _configs(self, client: docker.DockerClient) -> dict[str, Config]:
        if not client.info()["Swarm"]["ControlAvailable"]:
            return {}
        found = client.configs.list(filters={"label": self.label})
        return {str(config.attrs["Spec"]["Labels"][self.label]): config for config in found}
