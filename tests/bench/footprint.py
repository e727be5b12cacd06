"""How much memory the stack that is up holds while nobody votes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from docker import DockerClient

from bench.figure import Figure, Target, alone
from bench.run import Run
from deployment.configuration.layout import NAMESPACE
from deployment.engine.machine import engine

MEBIBYTE, GIBIBYTE = 1024**2, 1024**3
AT_REST = Target(at_most=1.5)


def measure(run: Run) -> Iterator[Figure]:
    """Add up the containers of the stack on this node; nothing if no stack is up."""
    client = engine.connect()
    found = client.api.containers(filters={"label": NAMESPACE}) if client else []
    if not client or not found:
        run.progress.say("    left out, since no stack is up here: run `python3 deploy.py up` first")
        return
    names = [container["Id"] for container in found]
    # The engine takes a second for each container, however many it is asked about at once.
    with ThreadPoolExecutor(len(names)) as pool:
        sums = [sum(pool.map(partial(_held, client), names)) / GIBIBYTE for _ in run.rounds("memory at rest")]
    yield alone(f"memory of the stack on this node at rest, {len(found)} containers", "GiB", sums, AT_REST)


def growing(container: str) -> int:
    """Return the bytes that a container's processes hold for themselves, without files and shared memory."""
    client = engine.connect()
    if not client:
        raise LookupError("there is no engine")
    details = _memory(client, container)["stats"]
    return int(details.get("anon", details.get("total_rss", 0)))


def _held(client: DockerClient, container: str) -> int:
    """Return the bytes that a container holds, without files that the kernel keeps at hand for it."""
    memory = _memory(client, container)
    details = memory["stats"]
    return int(memory["usage"]) - int(details.get("inactive_file", details.get("total_inactive_file", 0)))


def _memory(client: DockerClient, container: str) -> dict[str, Any]:
    stats: dict[str, Any] = client.api.stats(container, stream=False, one_shot=True)
    memory: dict[str, Any] = stats["memory_stats"]
    return memory
