"""Asking each node, by a service that lives for some seconds: a container on each, in its host's network."""

import json
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import docker
from docker.errors import APIError
from pydantic import TypeAdapter

from deployment.engine.doctor import probe, visit
from deployment.plan.doctor.facts import Asked, Facts
from deployment.plan.swarm.nodes import Node

SECONDS, POLL_SECONDS = 45.0, 0.2
# So long a line may be on its way.
LAG_SECONDS = 1.0
SERF, COMMAND = 7946, 2377
READER = TypeAdapter(Facts)


def here(name: str, data_root: str, remapped: bool | None) -> Asked:
    """Return the facts of this machine, for which no container is needed; its limits are no container's."""
    seen = {**probe.facts(data_root, []), "open_files": None, "userns": remapped}
    return Asked(name, READER.validate_python(seen), ahead=0.0)


def addresses(nodes: Sequence[Node]) -> list[str]:
    """Return what each node must reach of the others by TCP; of each other's UDP nobody hears."""
    there = [node for node in nodes if node.ready]
    commands = [f"{node.address}:{COMMAND}" for node in there if node.manager]
    return [*commands, *(f"{node.address}:{SERF}" for node in there)] if len(there) > 1 else []


class Heard:
    """What was heard of one node: its facts, and how old its clock's readings seemed when they arrived."""

    def __init__(self) -> None:
        self.facts: Facts | None = None
        self.ages: list[float] = []

    def note(self, said: Mapping[str, Any], arrived: float) -> None:
        """Take what it says."""
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


def probe_nodes(client: docker.DockerClient, nodes: Sequence[Node]) -> list[Asked]:
    """Ask every node of the Swarm; one that is away, or does not answer in time, has no facts."""
    heard = {node.id: Heard() for node in nodes if node.usable}
    problem, refused = _hear(client, addresses(nodes), heard)
    return [
        heard[node.id].asked(node.name, refused.get(node.id, problem))
        if node.id in heard
        else Asked(node.name, problem=f"it is {node.state}, on {node.availability}")
        for node in nodes
    ]


def _hear(
    client: docker.DockerClient, told: Sequence[str], heard: Mapping[str, Heard]
) -> tuple[str, dict[str, str]]:
    """Listen to a probe on each node until all is heard, or too long; say why there may be none."""
    image = visit.image(client)
    if not image:
        return visit.NO_IMAGE, {}
    try:
        with visit.visit(client, visit.probe(image, probe, told, "host"), mode="global") as service:
            _listen(client, service, heard)
            return "no answer in time", visit.refusals(client, service)
    except APIError as error:
        return f"the Swarm takes no probe: {error.explanation or error}", {}


def _listen(client: docker.DockerClient, service: str, heard: Mapping[str, Heard]) -> None:
    def note(line: str) -> None:
        take(line, heard, time.time())

    threading.Thread(target=visit.listen, args=(client, service, note), daemon=True).start()
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and not all(each.whole for each in heard.values()):
        time.sleep(POLL_SECONDS)


def take(line: str, heard: Mapping[str, Heard], arrived: float) -> None:
    """Take a line of a probe: its node, then a JSON object; what is not such a line is no answer."""
    node, _, said = line.partition(" ")
    if node in heard and said.startswith("{"):
        heard[node].note(json.loads(said), arrived)
