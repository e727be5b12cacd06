"""What HAProxy counts of the clients in front of pgpool, as metrics."""

from __future__ import annotations

import csv
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pgpool_leader import pgpool_config

SECONDS = 1.0
QUESTION = b"show stat\n"
FRONT, SERVER = ("clients", "FRONTEND"), ("pgpool", "pgpool")


def families(answer: str) -> Iterator[Metric]:
    """Yield the metrics that follow from HAProxy's statistics as CSV; raise KeyError if these are others."""
    rows = {
        (row["pxname"], row["svname"]): row for row in csv.DictReader(answer.removeprefix("# ").split("\n"))
    }
    front, server = rows[FRONT], rows[SERVER]
    yield GaugeMetricFamily(
        "vote_app_pgpool_connections",
        "Connections of clients that have one of pgpool's places, or wait for one.",
        int(server["scur"]),
    )
    yield GaugeMetricFamily(
        "vote_app_pgpool_places", "Connections of clients that pgpool serves at once.", pgpool_config.PLACES
    )
    refused = CounterMetricFamily(
        "vote_app_pgpool_refused",
        "Connections of clients that came to nothing, by reason.",
        labels=["reason"],
    )
    refused.add_metric(["too_many"], int(front["dcon"]))
    refused.add_metric(["silent"], int(front["dreq"]))
    refused.add_metric(["no_server"], int(server["econ"]))
    yield refused


class Clients(Collector):
    """The metrics of the clients, asked for at HAProxy's socket when somebody wants them."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def describe(self) -> Iterable[Metric]:
        """Yield nothing: HAProxy may not listen yet."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Yield what HAProxy says now; raise OSError if it does not answer."""
        return families(_ask(self._path))


def _ask(path: Path) -> str:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(SECONDS)
        connection.connect(str(path))
        connection.sendall(QUESTION)
        with connection.makefile("r", encoding="ascii") as answer:
            return answer.read()
