"""The stack in the lab: look inside, kill containers, wait for full strength."""

import time
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from docker.errors import APIError, DockerException
from requests.exceptions import RequestException

from deployment.configuration.layout import SLOT_LABELS, STACK
from deployment.engine import observer
from deployment.errors import DeployError
from deployment.operations import status
from deployment.plan.cluster.picture import ANSWER_SECONDS, Picture
from kit.waiting import wait_until
from swarm import firewall, rows
from swarm.containers import Container
from swarm.lab.lab import Lab, Node
from swarm.ledger import Stored

RECOVERY_SECONDS = 120
DRAIN_SECONDS = 60
KNOWN_SECONDS = 60
# What looks whole right after a fault may only not have noticed it yet.
STEADY_SECONDS = 3.0
# The observer draws its picture once a second, and each look costs the machine a process.
LOOK_SECONDS = 1.0
UNREACHABLE = (DockerException, RequestException, DeployError)


class Cluster:
    """The stack that is up on the nodes of a lab."""

    def __init__(self, lab: Lab, slack: float = 1.0) -> None:
        """`slack` stretches how long full strength is waited for, as it stretches the limits of a fault."""
        self.lab = lab
        self._slack = max(1.0, slack)

    @property
    def living(self) -> list[Node]:
        """The nodes whose engine answers."""
        return [node for node in self.lab.nodes if node.answers()]

    def status(self) -> dict[str, Any]:
        """Return the status as a node tells it that can command the Swarm and knows the most."""
        return status.collect(self._informed()[0].client)

    def picture(self) -> Picture:
        """Return the observers' part of the status alone, which costs the machine least."""
        return self._informed()[1]

    def primary(self, cluster: str) -> str:
        """Return the service that is primary of a cluster; raise DeployError while none is known."""
        if found := self.picture().clusters[cluster].primary:
            return found
        raise DeployError(f"No primary of {cluster} is known.", "Wait until one is elected.")

    def _informed(self) -> tuple[Node, Picture]:
        """Return the node that can command the Swarm and knows the most, and its observer's picture.

        Raises DeployError while there is no such node.
        """
        found: tuple[Node, Picture] | None = None
        for node in self.lab.nodes:
            if not node.commands():
                continue
            try:
                inside = observer.observe(node.client)
            except UNREACHABLE:
                continue
            found = found or (node, inside)
            if not inside.headless:
                return node, inside
        if found is None:
            raise DeployError("No node of the lab can say how the stack is.", "Wait, or start its nodes.")
        return found

    def whole(self) -> bool:
        """Whether everything is at full strength: the stack, and every node of the lab."""
        try:
            nodes = self.lab.manager.api.nodes()
            ready = [n for n in nodes if n["Status"]["State"] == "ready" and _active(n) and _reachable(n)]
            return len(ready) == len(self.lab.nodes) and status.healthy(self._informed()[0].client)
        except UNREACHABLE:
            return False

    def wait_healthy(self, seconds: float = RECOVERY_SECONDS, *, steady: float = STEADY_SECONDS) -> float:
        """Wait for full strength that lasts for `steady` seconds; return the moment at which it began.

        Raises AssertionError if it has not begun within `seconds`.
        """
        seconds *= self._slack
        deadline = time.monotonic() + seconds
        since: float | None = None
        while True:
            looked = time.monotonic()
            since = (since or looked) if self.whole() else None
            if since is not None and time.monotonic() - since >= steady:
                return since
            if since is None and time.monotonic() > deadline:
                raise AssertionError(f"not at full strength within {seconds:g} s: {self.describe()}")
            time.sleep(max(0.0, looked + LOOK_SECONDS - time.monotonic()))

    def describe(self) -> str:
        """Say in one line what is missing."""
        try:
            now = self.status()
        except UNREACHABLE as error:
            return str(error)
        return "; ".join([*status.cluster_lines(now), *now["missing"]])

    def drain(self) -> None:
        """Wait until the workers have stored all that is in the queue."""
        since = time.time() + ANSWER_SECONDS
        wait_until(
            lambda: self._pending(since) == 0, DRAIN_SECONDS, lambda: f"{self._pending(0.0)} in the queue"
        )

    def _pending(self, since: float) -> int | None:
        """Return how many votes wait, by a picture that was made after a moment (seconds since 1970)."""
        try:
            found = self.picture()
        except UNREACHABLE:
            return None
        return found.queue.pending if (found.at or 0.0) > since else None

    def containers(self, service: str) -> list[Container]:
        """Return the running containers of a service on all nodes that are on."""
        label = {"label": f"com.docker.swarm.service.name={STACK}_{service}", "status": "running"}
        return [
            Container(node, str(found["Id"]), service)
            for node in self.living
            for found in node.client.api.containers(filters=label)
        ]

    def container(self, service: str) -> Container:
        """Return one running container of a service; raise LookupError."""
        if found := self.containers(service):
            return found[0]
        raise LookupError(f"no container of {service} is running")

    def kill(self, *containers: Container) -> None:
        """Kill containers at once, as a crash would, and wait until Swarm knows."""
        with ThreadPoolExecutor(len(containers)) as pool:
            for ended in [pool.submit(c.node.client.api.kill, c.id, "SIGKILL") for c in containers]:
                ended.result()
        wait_until(
            lambda: not any(map(self._counts, containers)), KNOWN_SECONDS, lambda: f"{containers} still count"
        )

    def _counts(self, container: Container) -> bool:
        """Whether Swarm still lists the task of this container as running, or cannot say."""
        try:
            tasks = self.lab.manager.api.tasks(filters={"desired-state": "running"})
        except UNREACHABLE:
            return True
        return any(
            task["Status"].get("ContainerStatus", {}).get("ContainerID") == container.id
            and task["Status"]["State"] == "running"
            for task in tasks
        )

    def sql(self, statement: str) -> list[list[str]]:
        """Run a statement on the PostgreSQL primary as its superuser; return rows of texts."""
        primary = self.container(self.primary("postgres"))
        return rows.sql(statement, primary.id, "-H", primary.node.docker_host)

    def stored(self, voters: Iterable[str]) -> Stored:
        """Return the rows of these voters, and all rows and the tally by choice, as of one moment."""
        return rows.stored(self.sql(rows.question(voters)))

    def cut_off(
        self, node: Node, addresses: Collection[str], *, one_way: bool = False, packets: str = ""
    ) -> None:
        """Lose every packet between a node and these addresses or, one-way, what comes from them.

        With `packets`, only those that match it, in the words of iptables.
        """
        self.heal(node)
        node.run(*firewall.command(firewall.cutting(addresses, one_way=one_way, packets=packets)))

    def lossy(self, node: Node, share: float) -> None:
        """Lose a share of the packets between a node and everything else."""
        self.heal(node)
        node.run(*firewall.command(firewall.cutting(self.elsewhere(node), share=share)))

    def heal(self, node: Node) -> None:
        """Undo `cut_off` and `lossy`; idempotent."""
        node.run(*firewall.command(firewall.healing()), check=False)

    def others(self, node: Node) -> list[str]:
        """Return the addresses of the other nodes."""
        return [other.address for other in self.lab.nodes if other != node]

    def elsewhere(self, node: Node) -> list[str]:
        """Return all addresses around a node: the others', and that of this machine, where the voters are."""
        return [*self.others(node), f"{node.address.rpartition('.')[0]}.1"]

    def scale(self, services: Collection[str], replicas: int) -> None:
        """Set the number of tasks of services, without waiting for them to come."""
        for service in services:
            self.service(service).scale(replicas)

    def service(self, name: str) -> Any:
        """Return a service as docker-py knows it."""
        found = self.lab.manager.services.list(filters={"name": f"{STACK}_{name}"})
        return next(service for service in found if service.name == f"{STACK}_{name}")

    def wait_stopped(self, services: Collection[str], seconds: float = 90) -> None:
        """Wait until no container of the services runs."""
        wait_until(
            lambda: not any(map(self.containers, services)), seconds, lambda: f"some of {services} still run"
        )

    def place(self, service: str) -> Node:
        """Return the node that a service of the data tier belongs to."""
        try:
            return self.container(service).node
        except LookupError:
            return self._labelled(SLOT_LABELS[int(service.rpartition("-")[2]) - 1])

    def _labelled(self, label: str) -> Node:
        for found in self.lab.manager.api.nodes():
            if found["Spec"].get("Labels", {}).get(label) == "true":
                return next(n for n in self.lab.nodes if n.name == found["Description"]["Hostname"])
        raise LookupError(f"no node carries {label}")

    def wipe(self, service: str) -> None:
        """Remove the volume of a service that is stopped, and what Swarm keeps of its containers."""
        node = self.place(service)
        wait_until(
            lambda: self._wiped(node, service), KNOWN_SECONDS, lambda: f"the volume of {service} is in use"
        )

    def _wiped(self, node: Node, service: str) -> bool:
        label = {"label": f"com.docker.swarm.service.name={STACK}_{service}"}
        for found in node.client.api.containers(all=True, filters=label):
            try:
                node.client.api.remove_container(found["Id"], force=True)
            except APIError as error:
                if error.status_code not in {404, 409}:  # Swarm was faster
                    raise
        try:
            node.client.api.remove_volume(f"{STACK}_{service}")
        except APIError as error:
            if error.status_code != 409:  # a container that had it is still being removed
                raise
            return False
        return True


def _active(node: dict[str, Any]) -> bool:
    return bool(node["Spec"]["Availability"] == "active")


def _reachable(node: dict[str, Any]) -> bool:
    return bool(node.get("ManagerStatus", {}).get("Reachability", "reachable") == "reachable")
