"""What the stack that is up takes while nobody votes: memory, and how much of a core."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figure import Figure, Target, alone
from bench.footprint import GIBIBYTE, taken_by_all
from bench.run import Run
from deployment.configuration.layout import NAMESPACE
from deployment.engine.machine import engine

MEMORY = Target(at_most=0.75)
CPU = Target(at_most=200)
STAT = Path("/proc/stat")
# The fields of its first line that are not work: idle, iowait, and what other machines took (proc(5)).
IDLE = (3, 4, 7)
# Those after them are within the first two.
FIELDS = 8


def measure(run: Run) -> Iterator[Figure]:
    """Measure all containers of the stack on this node, and this machine; nothing if no stack is up."""
    client = engine.connect()
    found = client.api.containers(filters={"label": NAMESPACE}) if client else []
    if not client or not found:
        run.progress.say("    left out, since no stack is up here: run `python3 deploy.py up` first")
        return
    names = [container["Id"] for container in found]
    memory, own, machine = list[float](), list[float](), list[float]()
    for _ in run.rounds("memory and CPU at rest"):
        before = taken_by_all(client, names)
        busy, began = busy_seconds(STAT.read_text()), time.monotonic()
        time.sleep(run.seconds)
        machine.append(1000 * (busy_seconds(STAT.read_text()) - busy) / (time.monotonic() - began))
        after = taken_by_all(client, names)
        memory.append(sum(each.held for each in after) / GIBIBYTE)
        own.append(1000 * sum(now.cores_since(then) for now, then in zip(after, before, strict=True)))
    of = f"{len(names)} containers"
    yield alone(f"memory of the stack on this node at rest, {of}", "GiB", memory, MEMORY)
    yield alone(f"CPU of the stack on this node at rest, {of}", "milli-cores", own, CPU)
    yield alone("CPU of the whole machine meanwhile, engine included", "milli-cores", machine, CPU)


def busy_seconds(stat: str) -> float:
    """Return for how many seconds of a core this machine has worked, as its /proc/stat says."""
    ticks = [int(field) for field in stat.splitlines()[0].split()[1 : 1 + FIELDS]]
    worked = sum(ticks) - sum(ticks[field] for field in IDLE)
    return worked / os.sysconf("SC_CLK_TCK")
