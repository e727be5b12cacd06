"""What the edge still knows of the stack while the Swarm elects a leader."""

import http.client
import socketserver
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from uuid import uuid4

import pytest

from kit.containers import address, docker
from kit.images import reference
from kit.waiting import wait_until

SERVICE, OTHER_SERVICE = "x7qmv9bpmmvb67ify29h38vyj", "2gi687u0kvju5u12f6678ayvy"
RUNNING = "%22desired-state%22%3A%7B%22running%22%3Atrue%7D"
TASKS = f"/v1.45/tasks?filters=%7B{RUNNING}%2C%22service%22%3A%7B%22{SERVICE}%22%3Atrue%7D%7D"
ALIVE = "/tasks?filters=%7B%22desired-state%22%3A%7B%22ready%22%3Atrue%2C%22running%22%3Atrue%7D%7D"
NETWORKS = "/v1.45/networks?filters=%7B%22scope%22%3A%7B%22swarm%22%3Atrue%7D%7D"
EDGE, MONITORING = 2375, 2376
LED_TO = "filters=%7B%22label%22%3A%7B%22traefik.enable%3Dtrue%22%3Atrue%7D%7D"
STRANGE = (
    "/tasks?/../../tmp/other",
    "/v1.45/services?another=1",
    f"{TASKS}&another=1",
    TASKS.replace(SERVICE, SERVICE[:-1]),
    TASKS.replace("running", "shutdown"),
    ALIVE.replace("ready", "shutdown"),
    f"{ALIVE}&another=1",
    f"/v1.45/nodes/{SERVICE[:-1]}",
    "/v1.045/services",
    "/v1.12/services",
)
# Without a pause.
HEALTH_OPTIONS = ("--health-cmd", "health-check 0 'answers 8100 /healthz'", "--health-retries", "1")
LEADERLESS = b'{"message":"rpc error: code = Unknown desc = The swarm does not have a leader."}'


class Engine(socketserver.ThreadingUnixStreamServer):
    """Answers like a manager's Docker Engine: with what it was told, or with an error."""

    def __init__(self, socket: Path) -> None:
        super().__init__(str(socket), Handler)
        self.status, self.body = 200, b"[]"
        self.pingable = True
        self.asked = list[str]()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    """One request to the engine."""

    server: Engine

    def address_string(self) -> str:
        """Return nothing: a Unix socket has no address."""
        return ""

    def do_GET(self) -> None:
        """Answer as the engine does at this moment; for a ping it needs no leader."""
        self.server.asked.append(self.path)
        pinged = self.path == "/_ping" and self.server.pingable
        self.send_response(200 if pinged else self.server.status)
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
def container(engine: Engine) -> Iterator[str]:
    """Run the filter as in the stack, and return its name."""
    name, socket = f"test-docker-proxy-{uuid4().hex[:8]}", str(engine.server_address)
    docker(
        *("run", "--detach", "--name", name, "--user", "root", "--read-only", "--cap-drop", "ALL"),
        *("--security-opt", "no-new-privileges", "--tmpfs", "/tmp", *HEALTH_OPTIONS),
        *("--volume", f"{socket}:/var/run/docker.sock:ro", reference("docker-proxy")),
    )
    yield name
    docker("rm", "--force", name)


@pytest.fixture
def proxy(container: str) -> str:
    """Return the address of the filter, which answers."""
    found = address(container)
    wait_until(lambda: ask(found, "/_ping")[0] == 200)
    return found


def ask(proxy: str, path: str, port: int = EDGE) -> tuple[int, bytes]:
    """Return status and body; status 0 where nobody listens."""
    connection = http.client.HTTPConnection(proxy, port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except ConnectionError:
        return 0, b""
    finally:
        connection.close()


@pytest.mark.parametrize(
    "path", [TASKS, ALIVE, NETWORKS, "/v1.45/services", "/nodes", f"/v1.45/nodes/{SERVICE}"]
)
def test_the_last_answer_is_repeated_while_there_is_no_leader(engine: Engine, proxy: str, path: str) -> None:
    engine.body = b'[{"ID": "one"}]'
    assert ask(proxy, path) == (200, engine.body)
    engine.body = last = b'[{"ID": "two"}]'
    assert ask(proxy, path) == (200, last)

    engine.status, engine.body = 503, LEADERLESS
    assert ask(proxy, path) == (200, last)

    engine.status, engine.body = 200, b'[{"ID": "three"}]'
    assert ask(proxy, path) == (200, engine.body)


@pytest.mark.parametrize("path", ["/v1.45/services", "/services"])
def test_the_edge_hears_of_those_services_alone_that_it_may_lead_to(
    engine: Engine, proxy: str, path: str
) -> None:
    engine.body = b"all"
    assert ask(proxy, path, MONITORING) == (200, b"all")
    assert engine.asked[-1] == path
    engine.body = b"pages"
    assert ask(proxy, path, EDGE) == (200, b"pages")
    assert engine.asked[-1] == f"{path}?{LED_TO}"
    engine.status = 503
    assert [ask(proxy, path, port)[1] for port in (MONITORING, EDGE)] == [b"all", b"pages"]


def test_what_is_repeated_is_marked_as_old(engine: Engine, proxy: str) -> None:
    def marked() -> bool:
        connection = http.client.HTTPConnection(proxy, EDGE, timeout=10)
        with closing(connection):
            connection.request("GET", "/nodes")
            return "Warning" in connection.getresponse().headers

    assert not marked()
    engine.status = 503
    assert marked()


def test_what_was_never_answered_is_an_error(engine: Engine, proxy: str) -> None:
    assert ask(proxy, TASKS) == (200, b"[]")
    engine.status, engine.body = 500, LEADERLESS
    assert ask(proxy, "/v1.45/services")[0] == 503
    assert ask(proxy, TASKS.replace(SERVICE, OTHER_SERVICE))[0] == 503


def test_the_last_answer_is_repeated_while_the_engine_restarts(engine: Engine, proxy: str) -> None:
    engine.body = b'[{"ID": "one"}]'
    assert ask(proxy, TASKS) == (200, engine.body)
    engine.shutdown()
    engine.server_close()
    assert ask(proxy, TASKS) == (200, b'[{"ID": "one"}]')


def test_a_strangers_questions_take_no_memory(container: str, proxy: str) -> None:
    before = stored(container)
    assert [ask(proxy, path)[0] for path in STRANGE] == [403] * len(STRANGE)
    assert stored(container) == before


def stored(container: str) -> str:
    """Return the names of the files that hold answers."""
    return docker("exec", container, "find", "/tmp/answers", "-type", "f")


def test_it_is_healthy_while_the_engine_answers_without_a_leader(engine: Engine, container: str) -> None:
    wait_until(lambda: health(container) == "healthy")
    engine.status, engine.body = 503, LEADERLESS
    before = checked(container)
    wait_until(lambda: len(checked(container) - before) >= 2 and health(container) == "healthy")


def test_it_is_not_healthy_without_an_answer_of_the_engine(engine: Engine, container: str) -> None:
    wait_until(lambda: health(container) == "healthy")
    engine.status, engine.pingable = 500, False
    wait_until(lambda: health(container) == "unhealthy")
    engine.status = 200
    wait_until(lambda: health(container) == "healthy")
    engine.shutdown()
    engine.server_close()
    wait_until(lambda: health(container) == "unhealthy")


def health(container: str) -> str:
    return docker("inspect", "--format", "{{.State.Health.Status}}", container)


def checked(container: str) -> set[str]:
    """Return when the last health checks ended; the engine keeps a few."""
    ends = docker("inspect", "--format", "{{range .State.Health.Log}}{{.End}}\n{{end}}", container)
    return {*ends.splitlines()}


@pytest.mark.parametrize("path", ["/v1.45/secrets", "/v1.45/containers/json", "/tmp/answers", "/@last"])
def test_nothing_else_is_answered(proxy: str, path: str) -> None:
    assert ask(proxy, path)[0] == 403
