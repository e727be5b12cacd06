"""The lab: a Swarm of several nodes on this machine, each node a container with an engine of its own."""

import ssl
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import docker
from docker.errors import DockerException, NotFound
from requests.exceptions import RequestException

from deployment.engine.machine import engine
from deployment.engine.secrets import credentials
from deployment.errors import DeployError

NAME = "vote-app-lab"
LABEL = "vote-app.lab"
REGISTRY = "registry.lab:5000"
USUAL_SIZE = 3
SUBNET = "10.213.0"
# Each node's engine answers on a socket here, also while the node's network is cut.
SOCKETS = Path("/run") / NAME
API_SECONDS = 60
# A manager that has lost its Swarm's majority says so late.
PROBE_SECONDS = 4


@dataclass(frozen=True)
class Node:
    """One node, by its number from 1."""

    number: int

    @property
    def name(self) -> str:
        """Host name, as Swarm lists it."""
        return f"node-{self.number}"

    @property
    def container(self) -> str:
        """The container of this machine's engine that is the node."""
        return f"{NAME}-{self.number}"

    @property
    def address(self) -> str:
        """IPv4 address that this machine and the other nodes reach it at."""
        return f"{SUBNET}.{10 + self.number}"

    @property
    def docker_host(self) -> str:
        """Address of the node's engine for DOCKER_HOST and `docker -H`."""
        return f"unix://{SOCKETS / str(self.number) / 'docker.sock'}"

    @cached_property
    def client(self) -> docker.DockerClient:
        """Client of the node's own engine."""
        return docker.DockerClient(base_url=self.docker_host, timeout=API_SECONDS)

    @cached_property
    def _probe(self) -> docker.DockerClient:
        return docker.DockerClient(base_url=self.docker_host, timeout=PROBE_SECONDS)

    def answers(self) -> bool:
        """Whether the node's engine is up."""
        try:
            return bool(self._probe.ping())
        except (DockerException, RequestException):
            return False

    def commands(self) -> bool:
        """Whether the node's engine is up and its Swarm has a leader that it can reach."""
        try:
            return bool(self._probe.api.nodes())
        except (DockerException, RequestException):
            return False

    def run(self, *command: str, check: bool = True) -> str:
        """Run a command as root inside the node, in its process and network namespaces; return stdout.

        Raises DeployError with what it said on stderr if it fails and `check` is set.
        """
        done = subprocess.run(
            ["docker", "exec", self.container, *command], capture_output=True, text=True, check=False
        )
        if check and done.returncode:
            raise DeployError(
                f"`{' '.join(command)}` failed on {self.name} (exit {done.returncode}).",
                "Look at the lines above.",
                done.stderr.splitlines(),
            )
        return done.stdout

    def kill(self) -> None:
        """Take the power away: everything on the node ends at once, its disk stays."""
        _of_this_machine("kill", self.container)

    def start(self) -> None:
        """Switch the node on again."""
        _of_this_machine("start", self.container)

    @property
    def alive(self) -> bool:
        """Whether the node is switched on."""
        return _of_this_machine("inspect", "-f", "{{.State.Running}}", self.container) == "true"


@dataclass(frozen=True)
class Lab:
    """The nodes, all of them managers of one Swarm."""

    nodes: tuple[Node, ...]

    @property
    def commander(self) -> Node:
        """A node that can command the Swarm; raises DeployError while none can."""
        for node in self.nodes:
            if node.commands():
                return node
        raise DeployError("No node of the lab can command its Swarm.", "Start the nodes that are off.")

    @property
    def manager(self) -> docker.DockerClient:
        """Client of a node that can command the Swarm; raises DeployError while none can."""
        return self.commander.client

    def trust(self) -> ssl.SSLContext:
        """Return what trusts the lab's own authority, whatever release made it, and nobody else."""
        return ssl.create_default_context(cadata=credentials.authorities(self.manager))


def current() -> Lab | None:
    """Return the lab that is on this machine, or None."""
    client = engine.connect()
    if client is None:
        return None
    try:
        client.networks.get(NAME)
    except NotFound:
        return None
    found = client.api.containers(all=True, filters={"label": LABEL})
    numbers = sorted(int(container["Labels"][LABEL]) for container in found)
    return Lab(tuple(Node(number) for number in numbers if number)) if any(numbers) else None


def _of_this_machine(*command: str) -> str:
    done = subprocess.run(["docker", *command], capture_output=True, text=True, check=True)
    return done.stdout.strip()
