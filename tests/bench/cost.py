"""What a vote costs each part of the whole chain, while that takes as many as it can."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import NamedTuple

from docker import DockerClient

from bench import closed_loop
from bench.chain import Chain, chain
from bench.figure import KNOWN, Figure, Target, alone, compared
from bench.footprint import Taken, taken_by_all
from bench.rest import STAT, busy_seconds
from bench.run import Run
from deployment.engine.machine import engine

ENOUGH = Target(at_least=0.9)
MICROSECONDS = 1e6
# A network's name with its random digits, the part, and which of several it is.
CONTAINER = re.compile(r".*-[0-9a-f]{8}-([a-z-]+?)(-[0-9a-f]+)?")


class Load(NamedTuple):
    """Some seconds of votes: how many came a second, and what one cost each part and the machine, in µs."""

    rate: float
    parts: Mapping[str, float]
    machine: float


def measure(run: Run) -> Iterator[Figure]:
    """Vote as fast as the chain takes it, and share the work of all cores out among its votes."""
    with chain() as parts, closing(engine.require()) as client:
        names = {each: client.containers.get(each).name for each in parts.containers}
        loads = [_load(client, parts, names, run) for _ in run.rounds("what a vote costs each part")]
    yield from figures(loads, os.cpu_count() or 1)


def figures(loads: Sequence[Load], cores: int) -> Iterator[Figure]:
    """Hold the rate against that of cores which do nothing else; give each part's cost, dearest first."""
    name, rates = "votes of the whole chain, while its cost is measured", [load.rate for load in loads]
    possible = [cores * MICROSECONDS / load.machine for load in loads]
    yield compared(name, "votes/s", rates, "cores that do nothing else", possible, ENOUGH)
    for part in sorted(loads[0].parts, key=lambda part: -loads[0].parts[part]):
        yield alone(f"CPU for one vote: {part}", "µs", [load.parts[part] for load in loads], KNOWN)
    whole = [sum(load.parts.values()) for load in loads]
    yield alone("CPU for one vote: all of these parts", "µs", whole, KNOWN)
    machine = [load.machine for load in loads]
    yield alone("CPU for one vote: the machine, with load generator and engine", "µs", machine, KNOWN)


def part_of(container: str) -> str:
    """Return the part that a container is of, without the name of its network and its own number."""
    found = CONTAINER.fullmatch(container)
    return found[1] if found else container


def shared_out(
    before: Sequence[Taken], after: Sequence[Taken], names: Sequence[str], votes: float
) -> dict[str, float]:
    """Return the CPU that one of so many votes cost each part, in µs."""
    cost = dict.fromkeys(map(part_of, names), 0.0)
    for then, now, name in zip(before, after, names, strict=True):
        cost[part_of(name)] += MICROSECONDS * (now.cpu_seconds - then.cpu_seconds) / votes
    return cost


def _load(client: DockerClient, parts: Chain, names: Mapping[str, str], run: Run) -> Load:
    url = f"https://{parts.edge.address}:{parts.edge.port}/"
    before, busy = taken_by_all(client, list(names)), busy_seconds(STAT.read_text())
    rate = closed_loop.run(parts.network, url, parts.cookies, run.seconds)
    busy, after = busy_seconds(STAT.read_text()) - busy, taken_by_all(client, list(names))
    votes = rate * run.seconds
    return Load(rate, shared_out(before, after, list(names.values()), votes), MICROSECONDS * busy / votes)
