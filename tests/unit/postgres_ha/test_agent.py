import json
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http import HTTPStatus
from types import SimpleNamespace
from typing import NamedTuple, cast

import pytest

from postgres_ha import agent as agent_module
from postgres_ha import cgroup, election, listener, tls
from postgres_ha.agent import Agent, Container
from postgres_ha.cgroup import Usage
from postgres_ha.election import ElectionError, candidacy_to_json
from postgres_ha.grant import Candidacy
from postgres_ha.node import Node
from postgres_ha.position import Position
from postgres_ha.state import NodeState

CANDIDACY = candidacy_to_json(Candidacy("postgres-2", 7, Position(6, 1000)))
PATHS = ["/ballot", "/campaign", "/promotion", "/following", "/farewell", "/handover", "/override", "/backup"]
TOKEN = "Authorization: Bearer hush\r\n"
# The first bytes of a handshake that announces 512 more.
HELLO = b"\x16\x03\x01\x02\x00\x01"


class Address(NamedTuple):
    """Where the agent listens, and how it is spoken to there."""

    port: int
    context: ssl.SSLContext | None

    def reach(self, source: str = "127.0.0.1") -> socket.socket:
        """Connect, and say nothing."""
        place = ("127.0.0.1", self.port)
        return socket.create_connection(place, timeout=20, source_address=(source, 0))

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        """Connect, with the handshake of TLS where that is spoken."""
        client = self.reach(source)
        return self.context.wrap_socket(client, server_hostname="postgres-1") if self.context else client


@pytest.fixture(scope="module")
def agent() -> Agent:
    secrets = SimpleNamespace(agent_tokens=("hush", "still"))
    settings, state = SimpleNamespace(secrets=secrets), NodeState("postgres-1")
    node = SimpleNamespace(settings=settings, state=state, backup=None)
    return Agent(cast(Node, node))


@pytest.fixture(scope="module", params=["tls", "plain"])
def address(
    agent: Agent, tls_environment: dict[str, str], request: pytest.FixtureRequest
) -> Iterator[Address]:
    ways = tls.load(tls_environment)
    server_side, client_side = (ways.server, ways.client) if request.param == "tls" else (None, None)
    with agent.listen(0, server_side) as server:
        server.start()
        yield Address(server.server_address[1], client_side)
        server.shutdown()


def exchange(address: Address, *parts: str) -> str:
    """Return what comes back for a request, empty when the connection is closed without a word."""
    with address.connect() as client:
        for part in parts:
            client.sendall(part.encode())
        return client.makefile().readline().strip()


def post(path: str, headers: str = "", body: str = "") -> str:
    return f"POST {path} HTTP/1.1\r\n{headers}\r\n{body}"


def test_beside_its_state_a_node_says_what_its_container_takes(address: Address) -> None:
    with address.connect() as client:
        client.sendall(b"GET /state HTTP/1.1\r\n\r\n")
        said = json.loads(client.makefile().read().partition("\n\n")[2])
    assert said["container"].keys() == {"memory", "memory_limit", "cpu_seconds"}
    # Nodes that ask know what they need, whatever else is said.
    assert NodeState.from_json(said) == NodeState("postgres-1")


def test_however_many_ask_the_kernel_is_asked_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    def read() -> Usage:
        looked.append(1)
        return Usage(len(looked), None, None)

    monkeypatch.setattr(cgroup, "read", read)
    now = 100.0
    monkeypatch.setattr(agent_module, "time", SimpleNamespace(monotonic=lambda: now))
    container = Container()
    assert [container.usage().memory for _ in range(3)] == [1, 1, 1]
    now += 4.9
    assert container.usage().memory == 1
    now += 0.1
    assert container.usage().memory == 2


@pytest.mark.parametrize("path", PATHS)
def test_nothing_changes_without_the_token(address: Address, path: str) -> None:
    for token in ("", "Authorization: Bearer loud\r\n"):
        assert "401" in exchange(address, post(path, token + "Content-Length: 2\r\n", "{}"))


def test_while_the_token_is_changed_two_are_good(address: Address) -> None:
    for token in ("hush", "still"):
        header = f"Authorization: Bearer {token}\r\nContent-Length: 2\r\n"
        assert "404" in exchange(address, post("/nowhere", header, "{}"))


def test_a_stranger_is_answered_before_the_body(address: Address) -> None:
    assert "401" in exchange(address, post("/ballot", "Content-Length: 1000\r\n"))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ("Content-Length: -1\r\n", "400"),
        ("Content-Length: many\r\n", "400"),
        ("Content-Length: 1\r\nContent-Length: 2\r\n", "400"),
        ("Content-Length: 4097\r\n", "413"),
        (f"Content-Length: {'9' * 5000}\r\n", "413"),
        ("Transfer-Encoding: chunked\r\n", "411"),
    ],
)
def test_a_body_without_bounds_is_not_read(address: Address, headers: str, status: str) -> None:
    assert status in exchange(address, post("/farewell", TOKEN + headers))


@pytest.mark.parametrize("body", ["{", "[]", "[" * 4000])
def test_what_is_no_object_is_refused(address: Address, body: str) -> None:
    assert "400" in exchange(address, post("/override", f"{TOKEN}Content-Length: {len(body)}\r\n", body))


@pytest.mark.parametrize(
    "request_",
    [
        "GET /state HTTP/1.1\r\n",
        post("/ballot", f"{TOKEN}Content-Length: 4096\r\n", "{"),
        "GET /state HTTP/1.1\r\n" + 3 * f"Padding: {'x' * 6000}\r\n",
    ],
)
def test_half_a_request_ends(address: Address, request_: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "REQUEST_SECONDS", 0.2)
    assert exchange(address, request_) == ""


def test_a_client_that_dawdles_is_cut_off(address: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "REQUEST_SECONDS", 0.3)
    with address.connect() as client:
        assert any(is_cut_off(client) for _ in range(400))


def test_a_handshake_that_dawdles_is_cut_off(address: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "REQUEST_SECONDS", 0.3)
    with address.reach() as client:
        client.sendall(HELLO)
        assert any(is_cut_off(client) for _ in range(400))


def is_cut_off(client: socket.socket) -> bool:
    """Send one byte more of what has no end."""
    time.sleep(0.05)
    try:
        client.sendall(b"x")
    except (ConnectionError, ssl.SSLEOFError):
        return True
    return False


def test_each_request_over_a_kept_connection_has_its_own_bounds(
    address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "REQUEST_SECONDS", 1.5)
    padding = f"Padding: {'x' * 6000}\r\n"
    with address.connect() as client:
        answers = client.makefile("rb")
        for _ in range(4):
            time.sleep(0.5)
            client.sendall(f"GET /state HTTP/1.1\r\nConnection: keep-alive\r\n{padding}\r\n".encode())
            assert b"200" in answers.readline()
            headers = dict(line.split(b": ") for line in iter(answers.readline, b"\r\n"))
            answers.read(int(headers[b"Content-Length"]))
        assert answers.readline() == b""


def test_where_tls_is_spoken_plain_is_not(address: Address) -> None:
    with address.reach() as client, suppress(ConnectionError):
        client.sendall(b"GET /state HTTP/1.1\r\n\r\n")
        assert (client.recv(100)[:4] == b"HTTP") is (address.context is None)


@pytest.mark.parametrize("greeted", [False, True])
def test_strangers_who_say_nothing_hold_up_nobody_else(address: Address, greeted: bool) -> None:
    with ExitStack() as silent:
        for number in range(2 * listener.MAX_CONNECTIONS_OF_ONE):
            source = f"127.0.0.{2 + number % 2}"
            silent.enter_context(address.connect(source) if greeted else address.reach(source))
        began = time.monotonic()
        assert answers(address)
        assert time.monotonic() - began < listener.REQUEST_SECONDS / 5


def test_one_address_cannot_take_every_place() -> None:
    places = listener.Places(total=3, each=2)
    assert [places.take("a") for _ in range(3)] == [True, True, False]
    assert [places.take("b") for _ in range(2)] == [True, False]
    places.give_back("a")
    assert [places.take(address) for address in ("b", "c")] == [True, False]


def test_whoever_comes_when_all_places_are_taken_is_turned_away(address: Address) -> None:
    silent = [address.reach() for _ in range(listener.MAX_CONNECTIONS_OF_ONE)]
    with suppress(ConnectionError, ssl.SSLEOFError):
        assert exchange(address, "GET /state HTTP/1.1\r\n\r\n") == ""
    for client in silent:
        client.close()
    deadline = time.monotonic() + 10
    while not answers(address):
        assert time.monotonic() < deadline


def answers(address: Address) -> bool:
    try:
        return "200" in exchange(address, "GET /state HTTP/1.1\r\n\r\n")
    except (ConnectionError, ssl.SSLEOFError):
        return False


def test_a_given_vote_is_a_success(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(election, "grant", lambda node, candidacy: None)
    assert agent.answer("/ballot", body=CANDIDACY)[0] is HTTPStatus.OK


def test_a_refused_vote_says_why(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(node: Node, candidacy: Candidacy) -> None:
        raise ElectionError("newer")

    monkeypatch.setattr(election, "grant", refuse)
    answer = agent.answer("/ballot", body=CANDIDACY)
    assert answer == (HTTPStatus.CONFLICT, {"error": "newer"})


def test_a_malformed_request_is_not_a_vote(agent: Agent) -> None:
    assert agent.answer("/ballot", body={"term": 7})[0] is HTTPStatus.BAD_REQUEST


def test_an_unknown_route_is_named(agent: Agent) -> None:
    assert agent.answer("/nothing", body={})[0] is HTTPStatus.NOT_FOUND
