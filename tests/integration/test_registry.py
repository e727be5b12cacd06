"""What the engine says of a registry that refuses, and of none."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from deployment.engine.images import registry
from deployment.engine.machine import engine
from kit.services import free_port


class Registry(ThreadingHTTPServer):
    """Refuses everything, with one status and one error."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Refusal)
        self.status, self.error = 429, {"code": "TOOMANYREQUESTS", "message": "slow down"}
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Refusal(BaseHTTPRequestHandler):
    """One request of the engine."""

    server: Registry

    def do_GET(self) -> None:
        """Refuse it; as to the API's version there is nothing to refuse."""
        body = json.dumps({"errors": [self.server.error]}).encode()
        self.send_response(200 if self.path == "/v2/" else self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Registry]:
    with Registry() as http:
        yield http
        http.shutdown()


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (429, "TOOMANYREQUESTS", "You have reached your pull rate limit"),
        (401, "UNAUTHORIZED", "authentication required"),
        (403, "DENIED", "requested access to the resource is denied"),
        (404, "MANIFEST_UNKNOWN", "manifest unknown"),
        (503, "UNAVAILABLE", "maintenance"),
    ],
)
def test_a_refusal_is_told_from_silence(server: Registry, status: int, code: str, message: str) -> None:
    server.status, server.error = status, {"code": code, "message": message}
    problem = registry.pull(engine.require(), f"127.0.0.1:{server.server_port}/debian:trixie-slim")
    assert problem
    assert not registry.silent(problem), problem


def test_where_nobody_listens_nothing_answers() -> None:
    problem = registry.pull(engine.require(), f"127.0.0.1:{free_port()}/debian:trixie-slim")
    assert problem
    assert registry.silent(problem), problem


def test_a_name_without_an_address_is_answered_by_nobody() -> None:
    problem = registry.pull(engine.require(), "registry.invalid/debian:trixie-slim")
    assert problem
    assert registry.silent(problem), problem
