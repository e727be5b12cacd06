"""What the containers of the database nodes take of memory and CPU, as their agents say it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

MEMORY = (
    GaugeMetricFamily,
    "memory",
    "memory_bytes",
    "Memory of the container, as `vote_app_cgroup_memory_bytes`.",
)
LIMIT = (
    GaugeMetricFamily,
    "memory_limit",
    "memory_limit_bytes",
    "Memory at which the kernel ends the container.",
)
CPU = CounterMetricFamily, "cpu_seconds", "cpu_seconds", "Time of CPU that the container took."


def summarize_containers(states: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return what each node's container takes; an agent of the release before does not say it."""
    return {node: state["container"] for node, state in states.items() if "container" in state}


def families(containers: Mapping[str, Mapping[str, Any]]) -> Iterator[Metric]:
    """Yield a metric for each kind of thing that is taken, with the nodes that tell."""
    for kind, key, name, text in (MEMORY, LIMIT, CPU):
        family = kind(f"vote_app_container_{name}", text, labels=["node"])
        for node, usage in containers.items():
            if usage.get(key) is not None:
                family.add_metric([node], usage[key])
        yield family
