"""Asking each node, by a service that lives for some seconds: a container on each, in its host's network."""

import inspect
import json
import secrets
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import docker
from docker.errors import APIError
from docker.types import ContainerSpec, Resources, RestartPolicy, ServiceMode, TaskTemplate
from pydantic import TypeAdapter

from deployment.configuration.layout import STACK
from deployment.engine.doctor import probe
from deployment.engine.swarm import services
from deployment.plan.cluster.topology import OBSERVER
from deployment.plan.doctor.facts import Asked, Facts
from deployment.plan.swarm.nodes import Node

SECONDS, POLL_SECONDS = 45.0, 0.2
LAG_SECONDS = 1.0
LABEL = "vote-app.doctor"
SERF, COMMAND = 7946, 2377
READER = TypeAdapter(Facts)
NO_IMAGE = "no image of the stack is there to ask it with; after the first `up` it can be asked"


def here(name: str, data_root: str) -> Asked:
    """Return the facts of this machine, of which no container is needed."""
    return Asked(name, READER.validate_python(probe.facts(data_root, [])), ahead=0.0)


def image(client: docker.DockerClient) -> str:
    """Return the observer's image, which each node can get; the empty string without a stack."""
    found = [s for s in services.specifications(client) if s["Spec"]["Name"] == f"{STACK}_{OBSERVER}"]
    return str(found[0]["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"]) if found else ""


def addresses(nodes: Sequence[Node]) -> list[str]:
    """Return what each node must reach of the others by TCP; of each other's UDP nobody hears."""
    there = [node for node in nodes if node.ready]
    commands = [f"{node.address}:{COMMAND}" for node in there if node.manager]
    return [*commands, *(f"{node.address}:{SERF}" for node in there)] if len(there) > 1 else []


def ask(client: docker.DockerClient, nodes: Sequence[Node]) -> list[Asked]:
    """Ask every node of the Swarm; one that is away, or does not answer in time, has no facts."""
    wanted = {node.id: node.name for node in nodes if node.usable}
    heard: dict[str, Heard] = {identifier: Heard() for identifier in wanted}
    told = _told(client, nodes, heard) if (found := image(client)) else NO_IMAGE
    del found
    return [
        heard[node.id].asked(node.name, told or "no answer in time")
        if node.id in wanted
        else Asked(node.name, problem=f"it is {node.state}, {node.availability}")
        for node in nodes
    ]


class Heard:
    """What was heard of one node: its facts, and how old its clock's readings seemed when they arrived."""

    def __init__(self) -> None:
        self.facts: Facts | None = None
        self.ages: list[float] = []

    def note(self, said: Mapping[str, Any], arrived: float) -> None:
        """Take a line."""
        if "time" in said:
            self.ages.append(arrived - said["time"])
        else:
            self.facts = READER.validate_python(said)

    @property
    def whole(self) -> bool:
        """Whether nothing more is needed."""
        return self.facts is not None and len(self.ages) == probe.TIMES

    def asked(self, name: str, problem: str) -> Asked:
        """Return what became of it."""
        ahead = -min(self.ages) if self.ages else None
        return Asked(name, self.facts, "" if self.facts else problem, ahead, LAG_SECONDS)


def _told(client: docker.DockerClient, nodes: Sequence[Node], heard: Mapping[str, Heard]) -> str:
    """Listen to a probe on each node until all is heard, or too long; say why not, if it could not begin."""
    try:
        with _service(client, addresses(nodes)) as service:
            threading.Thread(target=_listen, args=(client, service, heard), daemon=True).start()
            deadline = time.monotonic() + SECONDS
            while time.monotonic() < deadline and not all(each.whole for each in heard.values()):
                time.sleep(POLL_SECONDS)
    except APIError as error:
        return f"the Swarm takes no probe: {error.explanation or error}"
    return ""


def _listen(client: docker.DockerClient, service: str, heard: Mapping[str, Heard]) -> None:
    """Take what the probes say, until their service is removed."""
    try:
        rest = b""
        for part in client.api.service_logs(service, stdout=True, follow=True, is_tty=False):
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                take(line.decode(errors="replace"), heard, time.time())
    except (APIError, OSError, ValueError):
        return  # whoever was not heard until now was not heard


def take(line: str, heard: Mapping[str, Heard], arrived: float) -> None:
    """Take a line of a probe: its node, then a JSON object; what is not such a line is no answer."""
    node, _, said = line.partition(" ")
    if node in heard and said.startswith("{"):
        heard[node].note(json.loads(said), arrived)


@contextmanager
def _service(client: docker.DockerClient, told: Sequence[str]) -> Iterator[str]:
    """Run a probe on each node that takes tasks; remove it whatever happens, and what an earlier one left."""
    for left in client.api.services(filters={"label": LABEL}):
        client.api.remove_service(left["ID"])
    container = ContainerSpec(
        image(client), command=["python3", "-c", inspect.getsource(probe)], args=list(told),
        env=["NODE={{.Node.ID}}"], labels={LABEL: "probe"}, read_only=True,
    )  # fmt: skip
    template = TaskTemplate(
        container, restart_policy=RestartPolicy("none"), networks=[{"Target": "host"}],
        resources=Resources(mem_limit=64 << 20),
    )  # fmt: skip
    made = client.api.create_service(
        template, name=f"{STACK}-doctor-{secrets.token_hex(4)}", labels={LABEL: "probe"},
        mode=ServiceMode("global"),
    )  # fmt: skip
    try:
        yield str(made["ID"])
    finally:
        client.api.remove_service(made["ID"])
