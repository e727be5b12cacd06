"""Metrics as Prometheus reads them."""

from collections.abc import Iterable
from urllib.request import urlopen

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

Scraped = dict[str, float]
"""Values by their name and labels, as they stand in a line."""


class _Given(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def told(families: Iterable[Metric]) -> list[str]:
    """Return the lines that say a value."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Given(list(families)))
    text = generate_latest(registry).decode().splitlines()
    return [line for line in text if not line.startswith("#")]


def scrape(port: int, host: str = "127.0.0.1") -> Scraped:
    """Return all that a service says of itself."""
    with urlopen(f"http://{host}:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    families = text_string_to_metric_families(text)
    return {line(s.name, s.labels): s.value for family in families for s in family.samples}


def line(name: str, labels: dict[str, str]) -> str:
    """Return a name with its labels as they stand in a line."""
    inside = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
    return f"{name}{{{inside}}}" if inside else name
