"""A service as a plain container, with the rights that the stack gives it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from kit.containers import docker
from kit.images import reference

# As in the stack: read-only root, one tmpfs, no capability; for unknown names the container asks itself.
HARDENED = ("--read-only", "--cap-drop=ALL", "--tmpfs=/tmp", "--dns=127.0.0.1")
PORT = 8080


@dataclass(frozen=True)
class Part:
    """A running container."""

    container: str
    network: str

    @property
    def address(self) -> str:
        """Where this machine and the other containers of its first network reach it."""
        networks = json.loads(
            docker("inspect", "--format", "{{json .NetworkSettings.Networks}}", self.container)
        )
        return str(networks[self.network]["IPAddress"])

    def pause(self) -> None:
        """Freeze it."""
        docker("pause", self.container)

    def go_on(self) -> None:
        """Thaw it."""
        docker("unpause", self.container)


@contextmanager
def running(
    component: str,
    networks: tuple[str, ...],
    secrets: Path,
    environment: Mapping[str, str],
    *options: str,
    command: tuple[str, ...] = (),
) -> Iterator[Part]:
    """Run an image of the project under its own name in some networks."""
    part = Part(f"{networks[0]}-{component}-{uuid4().hex[:6]}", networks[0])
    settings = (word for name, value in environment.items() for word in ("--env", f"{name}={value}"))
    docker(
        *("create", "--name", part.container, "--network", networks[0], "--network-alias", component),
        *HARDENED, "--volume", f"{secrets}:/run/secrets:ro", *settings, *options,
        reference(component), *command,
    )  # fmt: skip
    try:
        for other in networks[1:]:
            docker("network", "connect", "--alias", component, other, part.container)
        docker("start", part.container)
        yield part
    finally:
        docker("rm", "--force", part.container)
