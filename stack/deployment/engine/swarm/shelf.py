"""Small documents that the Swarm itself keeps, as configs under a label: each manager knows them."""

import base64
from dataclasses import dataclass

import docker
from docker.models.configs import Config


@dataclass(frozen=True)
class Shelf:
    """Documents of one kind, each with a mark of its own: the value of their `label`."""

    label: str

    def read(self, client: docker.DockerClient) -> dict[str, bytes]:
        """Return the documents by their marks."""
        return {mark: base64.b64decode(c.attrs["Spec"]["Data"]) for mark, c in self._configs(client).items()}

    def put(self, client: docker.DockerClient, name: str, mark: str, content: bytes) -> None:
        """Add a document; raise APIError if another manager has put one of this name."""
        client.configs.create(name=name, data=content, labels={self.label: mark})

    def clear(self, client: docker.DockerClient, *, keep: frozenset[str] = frozenset()) -> None:
        """Remove all documents but those that are to be kept, by their marks."""
        for mark, config in self._configs(client).items():
            if mark not in keep:
                config.remove()

    def _configs(self, client: docker.DockerClient) -> dict[str, Config]:
        if not client.info()["Swarm"]["ControlAvailable"]:
            return {}
        found = client.configs.list(filters={"label": self.label})
        return {str(config.attrs["Spec"]["Labels"][self.label]): config for config in found}
