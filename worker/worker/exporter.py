"""Serves the metrics of this process to Prometheus: `GET /metrics`, on a port that the edge never leads to.

Whoever asks is bounded, so that nobody takes from the service what it needs: few at once and in a second, for
a short time, with a short request; the metrics are put together anew only so often. Without them all goes on.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from contextlib import suppress

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, disable_created_metrics, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from .cgroup_metrics import Cgroup
from .environment import Environment, whole_number

PORT = 9100
PLACES = 3
BACKLOG = 16
ANSWER_SECONDS = 2.0
PAUSE_SECONDS = 0.03
FRESH_SECONDS = 0.5
LARGEST_REQUEST_BYTES = 8192
METRICS = re.compile(rb"GET /metrics(\?[^ ]*)? HTTP/1\.[01]\r\n")
END = b"\r\n\r\n"

log = structlog.get_logger()

# Beside each counter there would be the time at which it was made.
disable_created_metrics()  # type: ignore[no-untyped-call]


def metrics_port(environment: Environment) -> int:
    """Return the port on which metrics are served, 0 for none; raise SettingError."""
    return whole_number(environment, "METRICS_PORT", 0, 65535, PORT)


def start(port: int, *collectors: Collector) -> None:
    """Serve the metrics of this process, its container and some collectors, unless the port is 0."""
    if not port:
        return
    for collector in (Cgroup(), *collectors):
        REGISTRY.register(collector)
    try:
        listener = socket.create_server(("", port), backlog=BACKLOG)
    except OSError as error:
        log.error("no metrics", port=port, reason=str(error))
        return
    serve(listener, Text(REGISTRY))


def serve(listener: socket.socket, text: Text) -> None:
    """Answer in a few threads for as long as the process lives."""
    for number in range(PLACES):
        # Of one socket gevent lets but one greenlet wait for connections.
        own = listener.dup()
        threading.Thread(target=_answer_all, args=(own, text), name=f"metrics-{number}", daemon=True).start()


class Text:
    """The metrics as text, put together anew when they are asked for and older than half a second."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._lock = threading.Lock()
        self._made = float("-inf")
        self._text: bytes | None = None

    def present(self) -> bytes | None:
        """Return the text; None where it cannot be put together, which is a mistake of ours and is logged."""
        with self._lock:
            if time.monotonic() - self._made >= FRESH_SECONDS:
                self._text = self._make()
                self._made = time.monotonic()
            return self._text

    def _make(self) -> bytes | None:
        try:
            return generate_latest(self._registry)
        except Exception:
            log.error("metrics cannot be put together", exc_info=True)
            return None


def _answer_all(listener: socket.socket, text: Text) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError as error:
            # All files are open, say. The next attempt may succeed, and must not take all of the CPU.
            log.error("metrics not served", reason=str(error))
            time.sleep(ANSWER_SECONDS)
            continue
        # Who leaves or is too slow gets nothing.
        with connection, suppress(OSError):
            _answer(connection, text)
        time.sleep(PAUSE_SECONDS)


def _answer(connection: socket.socket, text: Text) -> None:
    """Answer one request; raise OSError where its sender is gone or too slow."""
    deadline = time.monotonic() + ANSWER_SECONDS
    request = _read(connection, deadline)
    if not METRICS.match(request):
        status, body = "404 Not Found", b"GET /metrics\n"
    elif (present := text.present()) is None:
        status, body = "500 Internal Server Error", b"see the log\n"
    else:
        status, body = "200 OK", present
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {CONTENT_TYPE_PLAIN_0_0_4}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    connection.settimeout(_left(deadline))
    connection.sendall(head.encode() + body)


def _read(connection: socket.socket, deadline: float) -> bytes:
    """Return a request up to the end of its headers, or as much of it as is read at most."""
    request = b""
    while END not in request and len(request) < LARGEST_REQUEST_BYTES:
        connection.settimeout(_left(deadline))
        part = connection.recv(LARGEST_REQUEST_BYTES)
        if not part:
            break
        request += part
    return request


def _left(deadline: float) -> float:
    """Return the seconds until a time of the monotonic clock, or raise TimeoutError."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
