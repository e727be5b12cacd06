"""Throw-away containers."""

import random
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Network

from kit.waiting import wait_until

# For containers whose health nobody asks about: each check costs the machine some processes.
UNWATCHED = "--no-healthcheck"
# RFC 2544 keeps these for tests. The engine takes others by itself, and for those an engine that was removed
# may have left rules that hide who sends.
_SUBNETS: tuple[IPv4Network, ...] = tuple(IPv4Network("198.19.0.0/16").subnets(new_prefix=24))
_TRIES = 8


class DockerError(subprocess.CalledProcessError):
    """What the Docker client complained of."""

    def __str__(self) -> str:
        return f"{' '.join(self.cmd)}: {self.stderr.strip()}"


def docker(*arguments: str, check: bool = True) -> str:
    """Run the Docker client and return what it prints; raise DockerError."""
    command = ["docker", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if check and done.returncode:
        raise DockerError(done.returncode, command, done.stdout, done.stderr)
    return done.stdout.strip()


@contextmanager
def joined(network: str, *arguments: str) -> Iterator[str]:
    """Run a container on a network; give its name."""
    name = f"{network}-{uuid.uuid4().hex[:8]}"
    try:
        docker("run", "--detach", UNWATCHED, "--name", name, "--network", network, *arguments)
        yield name
    finally:
        docker("rm", "--force", "--volumes", name)


def address(container: str) -> str:
    """Return where this machine and other containers reach a container; empty if nowhere."""
    return docker(
        "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", container
    )


def create_network(name: str, *options: str) -> None:
    """Make a network in which containers see each other under their own addresses; raise DockerError."""
    for more in reversed(range(_TRIES)):
        subnet = random.choice(_SUBNETS)
        # Of a network that was given addresses and no gateway, the engine does not say which it has taken.
        place = ("--subnet", str(subnet), "--gateway", str(subnet[1]))
        try:
            docker("network", "create", *place, *options, name)
        except DockerError as error:
            if not more or "overlap" not in error.stderr:
                raise
        else:
            return


def remove_network(name: str) -> None:
    """Remove a network without containers; one that a busy engine has miscounted stays, and harms nobody."""
    docker("network", "rm", name, check=False)


@contextmanager
def own_network(prefix: str, *options: str) -> Iterator[str]:
    """Make a network with a name that begins so, and remove it at the end; give its name."""
    name = f"{prefix}-{uuid.uuid4().hex[:8]}"
    create_network(name, *options)
    try:
        yield name
    finally:
        remove_network(name)


def freeze(container: str) -> None:
    """Stop all of a container where it stands, as if its machine hung."""

    def frozen() -> bool:
        if docker("pause", container, check=False):
            return True
        # A busy kernel refuses: unable to freeze.
        return docker("inspect", "--format", "{{.State.Paused}}", container) == "true"

    wait_until(frozen)


class Container:
    """A running container with one port published on this machine."""

    def __init__(
        self, image: str, port: int, entrypoint: str, *command: str, options: Sequence[str] = ()
    ) -> None:
        self.name = f"vote-app-test-{uuid.uuid4().hex[:12]}"
        self._port = port
        docker(
            "run", "--detach", "--name", self.name, "--publish", f"127.0.0.1::{port}", UNWATCHED,
            *options, "--entrypoint", entrypoint, image, *command,
        )  # fmt: skip
        self.address, self.inner_ip = self._published(), address(self.name)

    def _published(self) -> tuple[str, int]:
        """Return where it can be reached; another place after each start."""
        host, _, port = docker("port", self.name, str(self._port)).partition("\n")[0].rpartition(":")
        return host, int(port)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        docker("kill", self.name)

    def freeze(self) -> None:
        """Stop all of it where it stands, as if its machine hung."""
        freeze(self.name)

    def start(self) -> None:
        """Start it again with the data it had."""
        docker("start", self.name)
        self.address, self.inner_ip = self._published(), address(self.name)

    def restore(self) -> None:
        """Let it run, whether it was frozen, killed or neither."""
        docker("unpause", self.name, check=False)
        self.start()

    def remove(self) -> None:
        """Leave nothing of it."""
        docker("rm", "--force", "--volumes", self.name, check=False)
