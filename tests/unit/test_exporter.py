"""Who asks for metrics gets them, and whoever means harm takes nothing that the service needs."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable
from http.client import HTTPConnection

import pytest
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from structlog.testing import capture_logs

from kit.services import free_port
from vote import cgroup_metrics, exporter
from vote.cgroup import Usage
from vote.environment import SettingError
from vote.exporter import Text

SCRAPE = b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n"


class Faulty(Collector):
    """A collector with a mistake in it."""

    def __init__(self) -> None:
        self.asked = 0

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        self.asked += 1
        raise RuntimeError


@pytest.fixture
def registry() -> CollectorRegistry:
    made = CollectorRegistry()
    Gauge("seats", "Seats.", registry=made).set(7)
    return made


@pytest.fixture
def listener(registry: CollectorRegistry) -> socket.socket:
    return served(Text(registry))


def served(text: Text) -> socket.socket:
    """Serve a text for as long as this process lives, as a service does."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=exporter.BACKLOG)
    exporter.serve(listener, text)
    return listener


def connect(listener: socket.socket) -> socket.socket:
    return socket.create_connection(listener.getsockname(), timeout=10)


def answer(connection: socket.socket) -> bytes:
    """Return all until the other side closes."""
    return b"".join(iter(lambda: connection.recv(4096), b""))


def test_prometheus_reads_the_metrics(listener: socket.socket) -> None:
    host, port = listener.getsockname()
    connection = HTTPConnection(host, port, timeout=10)
    connection.request("GET", "/metrics", headers={"Accept": "application/openmetrics-text;q=0.5"})
    response = connection.getresponse()
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert b"\nseats 7.0\n" in response.read()


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (SCRAPE, b"200 OK"),
        (b"GET /metrics?name[]=seats HTTP/1.0\r\n\r\n", b"200 OK"),
        (b"GET / HTTP/1.1\r\n\r\n", b"404 Not Found"),
        (b"GET /metricsandmore HTTP/1.1\r\n\r\n", b"404 Not Found"),
        (b"POST /metrics HTTP/1.1\r\n\r\n", b"404 Not Found"),
        (b"\x16\x03\x01\r\n\r\n", b"404 Not Found"),
    ],
)
def test_nothing_else_is_served(listener: socket.socket, request_: bytes, status: bytes) -> None:
    with connect(listener) as connection:
        connection.sendall(request_)
        assert answer(connection).startswith(b"HTTP/1.1 %b\r\n" % status)


def test_a_request_without_end_is_read_no_further_than_so_far(listener: socket.socket) -> None:
    with connect(listener) as connection:
        connection.sendall(b"x" * exporter.LARGEST_REQUEST_BYTES)
        assert answer(connection).startswith(b"HTTP/1.1 404 ")


def test_who_says_nothing_or_too_slowly_is_let_go_and_others_are_answered(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter, "ANSWER_SECONDS", 0.3)
    silent = [connect(listener) for _ in range(2 * exporter.PLACES)]
    stop = threading.Event()

    def dribble() -> None:
        while not stop.wait(0.05):
            for each in silent[::2]:
                try:
                    each.send(b"x")
                except OSError:
                    stop.set()

    threading.Thread(target=dribble).start()
    with connect(listener) as connection:
        connection.sendall(SCRAPE)
        assert b"seats 7.0" in answer(connection)
    stop.set()
    for each in silent:
        each.close()


def test_many_questions_at_once_cost_the_service_one_answer(
    registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = Text(registry)
    first = text.present()
    assert text.present() is first
    monkeypatch.setattr(exporter, "FRESH_SECONDS", 0.0)
    assert text.present() is not first


def test_whoever_asks_without_pause_is_made_to_wait(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter, "PAUSE_SECONDS", 60.0)
    for _ in range(exporter.PLACES):
        with connect(listener) as connection:
            connection.sendall(SCRAPE)
            assert answer(connection).startswith(b"HTTP/1.1 200 ")
    with connect(listener) as connection:
        connection.sendall(SCRAPE)
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            answer(connection)


def test_a_mistake_in_a_metric_is_told_once_for_all_who_ask_and_ends_nothing(
    registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter, "FRESH_SECONDS", 60.0)
    faulty = Faulty()
    registry.register(faulty)
    with capture_logs() as logs:
        listener = served(Text(registry))
        for _ in range(2 * exporter.PLACES):
            with connect(listener) as connection:
                connection.sendall(SCRAPE)
                assert answer(connection).startswith(b"HTTP/1.1 500 ")
    assert [line["event"] for line in logs] == ["metrics cannot be put together"]
    assert faulty.asked == 1


def test_a_service_goes_on_without_the_port(
    registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter, "REGISTRY", registry)
    with socket.create_server(("", 0)) as other, capture_logs() as logs:
        exporter.start(other.getsockname()[1])
    assert [line["event"] for line in logs] == ["no metrics"]


def test_the_container_is_among_the_metrics_of_a_service(
    registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter, "REGISTRY", registry)
    monkeypatch.setattr(cgroup_metrics, "read", lambda: Usage(1, 2, 3.0))
    port = free_port()
    exporter.start(port)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(SCRAPE)
        assert b"vote_app_cgroup_cpu_seconds_total 3.0" in answer(connection)


def test_nothing_listens_on_port_0(registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporter, "REGISTRY", registry)
    monkeypatch.setattr(exporter, "serve", lambda *_: pytest.fail("it serves"))
    exporter.start(0)


@pytest.mark.parametrize(
    ("environment", "port"), [({}, 9100), ({"METRICS_PORT": "9200"}, 9200), ({"METRICS_PORT": "0"}, 0)]
)
def test_the_port_is_the_same_everywhere_unless_told(environment: dict[str, str], port: int) -> None:
    assert exporter.metrics_port(environment) == port


@pytest.mark.parametrize("value", ["", "x", "-1", "65536"])
def test_an_unsound_port_is_refused(value: str) -> None:
    with pytest.raises(SettingError, match="METRICS_PORT"):
        exporter.metrics_port({"METRICS_PORT": value})
