"""What is measured of the result, for whoever watches the stack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from result.feed import Feed
from result.watching import Watching


def families(viewers: int, result_age: float, pulse_age: float | None) -> Iterator[Metric]:
    """Yield the metrics, without that of a pulse that nobody has seen; ages in seconds."""
    yield GaugeMetricFamily("vote_app_viewers", "Viewers of this replica.", viewers)
    yield GaugeMetricFamily(
        "vote_app_result_age_seconds",
        "Time since the tally was last read, or since the start where it never was.",
        result_age,
    )
    if pulse_age is not None:
        yield GaugeMetricFamily(
            "vote_app_pulse_age_seconds", "Time since a worker was last able to commit.", pulse_age
        )


class Figures(Collector):
    """The metrics of this replica, put together when they are asked for."""

    def __init__(self, feed: Feed, watching: Watching) -> None:
        self._feed = feed
        self._watching = watching

    def collect(self) -> Iterable[Metric]:
        """Yield what is known now."""
        return families(self._watching.own.watching, self._feed.age, self._feed.pulse_age)
