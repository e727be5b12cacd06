"""What a manager says becomes metrics, and what may be old becomes none."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from kit.exposition import told
from observer import swarm
from unit.observer.test_replicas import ALL, replicated, task

SAID = {"/services": [replicated(2)], swarm.TASKS: [task("a")], "/nodes": ALL}
METRICS = {
    'vote_app_service_replicas_desired{service="vote"} 2.0',
    'vote_app_service_replicas_running{service="vote"} 1.0',
    'vote_app_nodes{state="ready"} 2.0',
    *(f'vote_app_nodes{{state="{state}"}} 0.0' for state in ("down", "unknown", "disconnected")),
    'vote_app_node_ready{node="a"} 1.0',
    'vote_app_node_ready{node="b"} 1.0',
}


class Filter(ThreadingHTTPServer):
    """Answers as docker-proxy does: with what the engine says, or with its last answer, marked as old."""

    def __init__(self, address: str, port: int) -> None:
        super().__init__((address, port), _Handler)
        self.status, self.old = 200, False
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    server: Filter
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps(SAID[self.path]).encode()
        self.send_response(self.server.status)
        if self.server.old:
            self.send_header("Warning", '110 - "Response is Stale"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def managers(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Filter, Filter]]:
    """Two managers behind one name, at the same port."""
    with Filter("127.0.0.1", 0) as first, Filter("127.0.0.2", first.server_port) as second:
        found = [(socket.AF_INET, 1, 6, "", server.server_address) for server in (first, second)]
        others = socket.getaddrinfo
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda host, *more: found if host == "docker-proxy" else others(host, *more),
        )
        yield first, second
        first.shutdown()
        second.shutdown()


def ask(managers: tuple[Filter, Filter]) -> tuple[Any, ...]:
    return swarm.ask("docker-proxy", managers[0].server_port)


def test_what_a_manager_says_becomes_metrics(managers: tuple[Filter, Filter]) -> None:
    figures = swarm.Swarm()
    assert told(figures.collect()) == []
    figures.note(ask(managers), time.monotonic())
    assert set(told(figures.collect())) == METRICS
    figures.note(ask(managers), time.monotonic() - swarm.FRESH_SECONDS)
    assert told(figures.collect()) == []


def test_another_manager_is_asked_where_one_only_repeats_itself(managers: tuple[Filter, Filter]) -> None:
    managers[0].old = True
    assert ask(managers) == tuple(SAID.values())
    managers[1].status = 503
    with pytest.raises(HTTPException, match="/services: 503"):
        ask(managers)
    managers[1].status, managers[1].old = 200, True
    with pytest.raises(HTTPException, match="Stale"):
        ask(managers)
