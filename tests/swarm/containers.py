"""One container of the stack on one node of the lab: freeze it, cut it off."""

from collections.abc import Iterable
from dataclasses import dataclass

from docker.errors import APIError

from deployment.configuration.layout import STACK
from swarm import firewall
from swarm.lab.lab import Node


@dataclass(frozen=True)
class Container:
    """A container, by the node it is on, its ID, and the service it belongs to."""

    node: Node
    id: str
    service: str

    def __str__(self) -> str:
        return f"{self.service} ({self.id[:12]} on {self.node.name})"

    def run(self, *command: str) -> str:
        """Run a command inside, and return what it prints; raise DeployError if it fails."""
        return self.node.run("docker", "exec", self.id, *command)

    def processes(self, matching: str = "") -> set[str]:
        """Return the process IDs, as the node sees them, whose command contains a text."""
        found = self.node.client.api.top(self.id, "-eo pid,args")["Processes"] or []
        return {pid for pid, *arguments in found if matching in " ".join(arguments)}

    def signal(self, signal: str, matching: str = "") -> None:
        """Send a signal to every process whose command contains a text; some may end meanwhile."""
        if pids := self.processes(matching):
            self.node.run("kill", f"-{signal}", *sorted(pids), check=False)

    def freeze(self, matching: str = "") -> None:
        """Stop every process where it stands, also those that were just being started."""
        stopped: set[str] = set()
        while started := self.processes(matching) - stopped:
            self.node.run("kill", "-STOP", *sorted(started), check=False)
            stopped |= started

    def thaw(self) -> None:
        """Let every process go on; nothing to do if Swarm has replaced the container."""
        if self.runs:
            self.signal("CONT")

    @property
    def runs(self) -> bool:
        """Whether it is there and running."""
        try:
            return bool(self.node.client.api.inspect_container(self.id)["State"]["Running"])
        except APIError as error:
            if error.status_code != 404:
                raise
            return False

    def address(self, network: str) -> str:
        """Return its address on a network of the stack."""
        networks = self.node.client.api.inspect_container(self.id)["NetworkSettings"]["Networks"]
        return str(networks[f"{STACK}_{network}"]["IPAddress"])

    def cut(self, addresses: Iterable[str], *, one_way: bool = False) -> None:
        """Lose every packet from these addresses and, unless one-way, to them."""
        self.heal()
        self._inside(firewall.cutting(addresses, one_way=one_way))

    def heal(self) -> None:
        """Undo `cut`; nothing to do if the container is gone."""
        if self.runs:
            self._inside(firewall.healing(), check=False)

    def _inside(self, rules: str, *, check: bool = True) -> None:
        pid = str(self.node.client.api.inspect_container(self.id)["State"]["Pid"])
        self.node.run("nsenter", "-t", pid, "-n", *firewall.command(rules), check=check)
