"""How much memory a container holds, and how much of a core it takes."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from docker import DockerClient

from deployment.engine.machine import engine

MEBIBYTE, GIBIBYTE = 1024**2, 1024**3
NANOSECONDS = 1e9


class Taken(NamedTuple):
    """What a container has taken up to a moment: bytes it holds, and seconds of a core since its start."""

    at: datetime
    held: int
    cpu_seconds: float

    def cores_since(self, before: "Taken") -> float:
        """Return how many cores it took on average since an earlier moment."""
        return (self.cpu_seconds - before.cpu_seconds) / (self.at - before.at).total_seconds()


def taken(client: DockerClient, container: str) -> Taken:
    """Ask for what a container has taken; files that the kernel keeps at hand for it do not count."""
    stats = _stats(client, container)
    memory, cpu = stats["memory_stats"], stats["cpu_stats"]["cpu_usage"]["total_usage"]
    details = memory["stats"]
    held = int(memory["usage"]) - int(details.get("inactive_file", details.get("total_inactive_file", 0)))
    return Taken(datetime.fromisoformat(stats["read"]), held, cpu / NANOSECONDS)


def taken_by_all(client: DockerClient, containers: Sequence[str]) -> list[Taken]:
    """Ask for what several containers have taken, at once: the engine takes a second for each."""
    with ThreadPoolExecutor(len(containers)) as pool:
        return list(pool.map(partial(taken, client), containers))


def growing(container: str) -> int:
    """Return the bytes that a container's processes hold for themselves, without files and shared memory."""
    client = engine.connect()
    if not client:
        raise LookupError("there is no engine")
    details = _stats(client, container)["memory_stats"]["stats"]
    return int(details.get("anon", details.get("total_rss", 0)))


def _stats(client: DockerClient, container: str) -> dict[str, Any]:
    stats: dict[str, Any] = client.api.stats(container, stream=False, one_shot=True)
    return stats
