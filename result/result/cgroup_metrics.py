"""What this container takes, as metrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from .cgroup import Usage, read


def families(usage: Usage) -> Iterator[Metric]:
    """Yield the metrics of what is known."""
    if usage.memory is not None:
        yield GaugeMetricFamily(
            "vote_app_cgroup_memory_bytes",
            "Memory of the container, without the files' pages that the kernel takes back first.",
            usage.memory,
        )
    if usage.memory_limit is not None:
        yield GaugeMetricFamily(
            "vote_app_cgroup_memory_limit_bytes",
            "Memory at which the kernel ends the container.",
            usage.memory_limit,
        )
    if usage.cpu_seconds is not None:
        yield CounterMetricFamily(
            "vote_app_cgroup_cpu_seconds", "Time of CPU that the container took.", usage.cpu_seconds
        )


class Cgroup(Collector):
    """The metrics of this container, read when they are asked for."""

    def collect(self) -> Iterable[Metric]:
        """Yield what is known now."""
        return families(read())
