"""What the edge still knows of the stack while the Swarm elects a leader."""

import http.client
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from uuid import uuid4

import pytest

from images import reference
from integration.containers import address, docker
from integration.services import eventually

TASKS = "/v1.45/tasks?filters=%7B%22service%22%3A%7B%22abc%22%3Atrue%7D%7D"
LEADERLESS = b'{"message":"rpc error: code = Unknown desc = The swarm does not have a leader."}'


class Engine(socketserver.ThreadingUnixStreamServer):
    """Answers like a manager's Docker Engine: with what it was told, or with an error."""

    def __init__(self, socket: Path) -> None:
        super().__init__(str(socket), Handler)
        self.status, self.body = 200, b"[]"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    """One request to the engine."""

    server: Engine

    def address_string(self) -> str:
        """Return nothing: a Unix socket has no address."""
        return ""

    def do_GET(self) -> None:
        """Answer as the engine does at this moment."""
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(tmp_path / "docker.sock") as server:
        yield server
        server.shutdown()


@pytest.fixture
def proxy(engine: Engine) -> Iterator[str]:
    """Run the filter as in the stack, and return its address."""
    name, socket = f"test-docker-proxy-{uuid4().hex[:8]}", str(engine.server_address)
    docker(
        *("run", "--detach", "--name", name, "--user", "root", "--read-only", "--cap-drop", "ALL"),
        *("--security-opt", "no-new-privileges", "--tmpfs", "/tmp"),
        *("--volume", f"{socket}:/var/run/docker.sock:ro", reference("docker-proxy")),
    )
    try:
        found = address(name)
        eventually(lambda: ask(found, "/_ping")[0] == 200)
        yield found
    finally:
        docker("rm", "--force", name)


def ask(proxy: str, path: str) -> tuple[int, bytes]:
    """Return status and body; status 0 where nobody listens."""
    connection = http.client.HTTPConnection(proxy, 2375, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except ConnectionError:
        return 0, b""
    finally:
        connection.close()


@pytest.mark.parametrize("path", [TASKS, "/v1.45/services", "/v1.45/nodes/abc"])
def test_the_last_answer_is_repeated_while_there_is_no_leader(engine: Engine, proxy: str, path: str) -> None:
    engine.body = b'[{"ID": "one"}]'
    assert ask(proxy, path) == (200, engine.body)
    engine.body = last = b'[{"ID": "two"}]'
    assert ask(proxy, path) == (200, last)

    engine.status, engine.body = 503, LEADERLESS
    assert ask(proxy, path) == (200, last)

    engine.status, engine.body = 200, b'[{"ID": "three"}]'
    assert ask(proxy, path) == (200, engine.body)


def test_what_was_never_answered_is_an_error(engine: Engine, proxy: str) -> None:
    assert ask(proxy, TASKS) == (200, b"[]")
    engine.status, engine.body = 500, LEADERLESS
    assert ask(proxy, "/v1.45/services")[0] == 503
    assert ask(proxy, TASKS.replace("abc", "xyz"))[0] == 503


def test_the_last_answer_is_repeated_while_the_engine_restarts(engine: Engine, proxy: str) -> None:
    engine.body = b'[{"ID": "one"}]'
    assert ask(proxy, TASKS) == (200, engine.body)
    engine.shutdown()
    engine.server_close()
    assert ask(proxy, TASKS) == (200, b'[{"ID": "one"}]')


def test_a_question_names_no_other_file(engine: Engine, proxy: str) -> None:
    assert ask(proxy, "/tasks?/../../tmp/other")[0] == 403


@pytest.mark.parametrize("path", ["/v1.45/secrets", "/v1.45/containers/json", "/tmp/answers", "/@last"])
def test_nothing_else_is_answered(proxy: str, path: str) -> None:
    assert ask(proxy, path)[0] == 403
