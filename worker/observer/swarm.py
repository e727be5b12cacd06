"""Tells how the Swarm is, as metrics: containers of each service, and nodes. `python -m observer.swarm`.

It asks a manager's engine, through the filter that lets Traefik ask it, at a port of its own. Where the
filter only repeats its last answer, since there is no leader, nothing is told. Exit codes: 0 after SIGTERM;
2 a setting is malformed.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import time
from collections.abc import Iterable, Iterator
from typing import Any

import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from observer.replicas import node_states, ready_by_name, replicas
from worker import exporter, logs
from worker.environment import SettingError, refuse
from worker.signals import stop_on_signal

STACK = "vote-app"
FILTER, PORT = "docker-proxy", 2376
ASK_SECONDS = 5.0
EVERY_SECONDS = 15.0
# Twice in vain, and nothing is told any more.
FRESH_SECONDS = 2.5 * EVERY_SECONDS
# Without the tasks of before: the engine keeps five of each place.
TASKS = "/tasks?filters=%7B%22desired-state%22%3A%7B%22ready%22%3Atrue%2C%22running%22%3Atrue%7D%7D"
QUESTIONS = ("/services", TASKS, "/nodes")
REPEATED = "Warning"
SILENCE = (OSError, ValueError, http.client.HTTPException)

Answers = tuple[Any, ...]

log = structlog.get_logger()


def families(services: Any, tasks: Any, nodes: Any) -> Iterator[Metric]:
    """Yield the metrics that follow from what the engine says."""
    found = replicas(STACK, services, tasks, nodes)
    name, text = "vote_app_service_replicas", "Containers of the service that"
    desired = GaugeMetricFamily(f"{name}_desired", f"{text} are wanted.", labels=["service"])
    running = GaugeMetricFamily(
        f"{name}_running", f"{text} run, on nodes that are ready.", labels=["service"]
    )
    for service, counted in found.items():
        desired.add_metric([service], counted.desired)
        running.add_metric([service], counted.running)
    states = GaugeMetricFamily("vote_app_nodes", "Nodes of the Swarm.", labels=["state"])
    for state, count in node_states(nodes).items():
        states.add_metric([state], count)
    ready = GaugeMetricFamily(
        "vote_app_node_ready", "Whether the managers hear of the node.", labels=["node"]
    )
    for node, answers in ready_by_name(nodes).items():
        ready.add_metric([node], answers)
    yield from (desired, running, states, ready)


class Swarm(Collector):
    """The metrics of the latest answers; none when they are old."""

    def __init__(self) -> None:
        self._at = float("-inf")
        self._families: tuple[Metric, ...] = ()

    def note(self, answers: Answers, at: float) -> None:
        """Take answers in place of those before; `at` is monotonic."""
        self._families, self._at = tuple(families(*answers)), at

    def collect(self) -> Iterable[Metric]:
        """Yield what the latest answers show."""
        return self._families if time.monotonic() - self._at < FRESH_SECONDS else ()


def ask(host: str, port: int) -> Answers:
    """Return what the first manager says that knows; raise one of SILENCE if none does."""
    reason: Exception = OSError("no manager has an address")
    for *_, address in socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM):
        try:
            return _ask(str(address[0]), port)
        except SILENCE as error:
            reason = error
    raise reason


def _ask(host: str, port: int) -> Answers:
    connection = http.client.HTTPConnection(host, port, timeout=ASK_SECONDS)
    try:
        return tuple(_get(connection, question) for question in QUESTIONS)
    finally:
        connection.close()


def _get(connection: http.client.HTTPConnection, question: str) -> Any:
    connection.request("GET", question)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != http.HTTPStatus.OK or answer.headers[REPEATED]:
        raise http.client.HTTPException(f"{question}: {answer.headers[REPEATED] or answer.status}")
    return json.loads(text)


def main() -> None:
    """Ask until SIGTERM."""
    logs.configure()
    stop, swarm = stop_on_signal(), Swarm()
    try:
        exporter.start(exporter.metrics_port(os.environ), swarm)
    except SettingError as error:
        refuse(error)
    while True:
        began = time.monotonic()
        try:
            swarm.note(ask(FILTER, PORT), began)
        except SILENCE as error:
            log.warning("no manager says how the Swarm is", reason=str(error))
        if stop.wait(EVERY_SECONDS):
            return


if __name__ == "__main__":
    main()
