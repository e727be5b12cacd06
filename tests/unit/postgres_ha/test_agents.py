"""Which ways to an agent are tried, and what each agent makes of them."""

import fcntl
import resource
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Any

import pytest

from kit.inside import Inside
from kit.services import free_port
from postgres_ha import agents, listener, tls
from postgres_ha.listener import Handler, Server
from postgres_ha.tls import Tls
from unit.conftest import environment

NODE = "postgres-1"
SECONDS = 1.0
REFUSED = ConnectionRefusedError
UNTRUSTED = ssl.SSLCertVerificationError


class Way(Handler):
    """Say which way the question came, and from where."""

    def do_GET(self) -> None:  # noqa: N802
        self.close_connection = self.headers.get("Connection") != "keep-alive"
        way = "tls" if self.server.tls else "plain"
        self.reply(HTTPStatus.OK, {"way": way, "port": self.client_address[1]})


class Former(Way):
    """Answer as agents of the release before, which close each connection."""

    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:  # noqa: N802
        self.reply(HTTPStatus.OK, {"port": self.client_address[1]})


@contextmanager
def serving(context: ssl.SSLContext | None, handler: type[Handler] = Way) -> Iterator[int]:
    with Server(0, handler, context) as server:
        server.start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture
def shown(inside: Inside, stranger: Inside) -> dict[str, Tls]:
    """Return how agents are told which certificate to show."""
    files = {
        "its own": inside.file(NODE),
        "another name": inside.file("postgres-2"),
        "another authority": stranger.file(NODE),
    }
    return {name: tls.load(environment("prefer", inside.authority, file)) for name, file in files.items()}


@pytest.mark.parametrize(
    ("mode", "certificate", "plain", "outcome"),
    [
        ("verify-full", "its own", True, "tls"),
        ("verify-full", "its own", False, "tls"),
        ("verify-full", "another name", True, UNTRUSTED),
        ("verify-full", "another authority", True, UNTRUSTED),
        ("verify-full", None, True, REFUSED),
        ("prefer", "its own", True, "tls"),
        ("prefer", "another name", True, "plain"),
        ("prefer", "another authority", True, "plain"),
        ("prefer", None, True, "plain"),
        ("prefer", None, False, REFUSED),
    ],
)
def test_plain_is_tried_only_where_tls_is_not_demanded_and_not_offered(
    inside: Inside,
    shown: dict[str, Tls],
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
    certificate: str | None,
    plain: bool,
    outcome: str | type[OSError],
) -> None:
    ways = tls.load(environment(mode, inside.authority, inside.file("postgres-2")))
    with ExitStack() as servers:
        secured = servers.enter_context(serving(shown[certificate].server)) if certificate else free_port()
        monkeypatch.setattr(agents, "TLS_PORT", secured)
        monkeypatch.setattr(
            agents, "PLAIN_PORT", servers.enter_context(serving(None)) if plain else free_port()
        )
        if isinstance(outcome, str):
            assert outcome in ask(ways)
        else:
            with pytest.raises(outcome):
                ask(ways)


def ask(ways: Tls) -> str:
    with closing(agents.connect(ways, NODE, SECONDS, "127.0.0.1")) as connection:
        connection.request("GET", "/state")
        return connection.getresponse().read().decode()


@pytest.mark.parametrize("mode", ["verify-full", "prefer"])
def test_an_agent_that_is_frozen_takes_one_questions_time(
    inside: Inside, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    ways = tls.load(environment(mode, inside.authority, inside.file(NODE)))
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        monkeypatch.setattr(agents, "TLS_PORT", frozen.getsockname()[1])
        with pytest.raises(TimeoutError):
            ask(ways)
    assert SECONDS * 0.9 < time.monotonic() - began < SECONDS * 1.5


@pytest.fixture
def states(tls_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[agents.States]:
    """Return what asks an agent at its name, which is this machine."""
    connect = agents.connect

    def here(ways: Tls, node: str, seconds: float, address: str = "") -> HTTPConnection:
        return connect(ways, node, seconds, address or "127.0.0.1")

    monkeypatch.setattr(agents, "connect", here)
    ways = tls.load(tls_environment | {"PGSSLMODE": "prefer"})
    with serving(ways.server) as secured, serving(None, Former) as plain:
        monkeypatch.setattr(agents, "TLS_PORT", secured)
        monkeypatch.setattr(agents, "PLAIN_PORT", plain)
        yield agents.States(ways)


def test_a_connection_is_kept_from_one_question_to_the_next(states: agents.States) -> None:
    assert len({states.ask(NODE, SECONDS)["port"] for _ in range(3)}) == 1


def test_a_connection_that_the_node_has_closed_is_made_again(
    states: agents.States, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "REQUEST_SECONDS", 1.0)
    asked = {states.ask(NODE, SECONDS)["port"]}
    time.sleep(1.5)
    asked.add(states.ask(NODE, SECONDS)["port"])
    assert len(asked) == 2


def test_a_node_of_the_release_before_is_asked_anew_each_time(
    states: agents.States, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents, "TLS_PORT", free_port())
    assert len({states.ask(NODE, SECONDS)["port"] for _ in range(3)}) == 3


def test_a_late_answer_is_not_taken_for_the_next_one(
    states: agents.States, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = states.ask(NODE, SECONDS)["port"]
    reply = Way.reply

    def late(self: Way, status: HTTPStatus, body: dict[str, Any]) -> None:
        time.sleep(0.4)
        reply(self, status, {"late": True, "port": self.client_address[1]})

    monkeypatch.setattr(Way, "reply", late)
    with pytest.raises(TimeoutError):
        states.ask(NODE, 0.2)
    monkeypatch.setattr(Way, "reply", reply)
    answer = states.ask(NODE, SECONDS)
    assert "late" not in answer
    assert answer["port"] != first


@pytest.fixture
def closable(
    tls_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[agents.States, Server]]:
    """Return what asks an agent at its name, which is this machine, and the agent."""
    connect = agents.connect

    def here(ways: Tls, node: str, seconds: float, address: str = "") -> HTTPConnection:
        return connect(ways, node, seconds, address or "127.0.0.1")

    monkeypatch.setattr(agents, "connect", here)
    monkeypatch.setattr(listener, "REQUEST_SECONDS", 0.5)
    ways = tls.load(tls_environment)
    with Server(0, Way, ways.server) as server:
        server.start()
        monkeypatch.setattr(agents, "TLS_PORT", server.server_address[1])
        yield agents.States(ways), server


def test_a_node_that_closes_its_connection_and_takes_no_other_is_gone(
    closable: tuple[agents.States, Server],
) -> None:
    states, server = closable
    states.ask(NODE, SECONDS)
    server.shutdown()
    server.server_close()
    states.pause(NODE, 10)
    for _ in range(2):
        with pytest.raises(agents.GoneError):
            states.ask(NODE, SECONDS)


def test_a_node_that_was_never_there_is_not_gone(
    closable: tuple[agents.States, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    states, _ = closable
    monkeypatch.setattr(agents, "TLS_PORT", free_port())
    with pytest.raises(ConnectionRefusedError):
        states.ask(NODE, SECONDS)


def test_a_node_that_is_silent_is_not_gone(
    closable: tuple[agents.States, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    states, _ = closable
    states.ask(NODE, SECONDS)
    monkeypatch.setattr(Way, "do_GET", lambda _: time.sleep(1))
    with pytest.raises(TimeoutError):
        states.ask(NODE, 0.3)


def test_a_pause_ends_when_the_node_closes_the_connection_or_somebody_wakes(
    closable: tuple[agents.States, Server],
) -> None:
    states, _ = closable
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for wake in (False, True):
            states.ask(NODE, SECONDS)
            began = time.monotonic()
            if wake:
                theirs.send(b"!")
            states.pause(NODE, 30, ours)
            assert time.monotonic() - began < 20
        assert states.ask(NODE, SECONDS)["way"] == "tls"


def unknown(*_: object) -> HTTPConnection:
    raise socket.gaierror("the resolver is busy")


def test_a_node_that_has_closed_an_idle_connection_is_asked_where_it_was(
    closable: tuple[agents.States, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    states, _ = closable
    first = states.ask(NODE, SECONDS)["port"]
    states.pause(NODE, 10)
    monkeypatch.setattr(agents, "connect", unknown)
    assert states.ask(NODE, SECONDS)["port"] != first


def test_a_node_that_listens_where_it_was_is_not_gone_when_its_name_is_unknown(
    closable: tuple[agents.States, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    states, _ = closable
    states.ask(NODE, SECONDS)
    states.pause(NODE, 10)
    monkeypatch.setattr(Way, "do_GET", lambda _: time.sleep(2))
    with pytest.raises(TimeoutError):
        states.ask(NODE, SECONDS)
    monkeypatch.setattr(agents, "connect", unknown)
    with pytest.raises(socket.gaierror):
        states.ask(NODE, SECONDS)


def test_another_node_that_has_the_address_now_is_not_taken_for_it(
    states: agents.States, stranger: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "REQUEST_SECONDS", 0.5)
    states.ask(NODE, SECONDS)
    states.pause(NODE, 10)

    monkeypatch.setattr(agents, "connect", unknown)
    other = tls.load(environment("prefer", stranger.authority, stranger.file("postgres-2")))
    with serving(other.server) as secured, serving(None) as plain:
        monkeypatch.setattr(agents, "TLS_PORT", secured)
        monkeypatch.setattr(agents, "PLAIN_PORT", plain)
        with pytest.raises(agents.GoneError):
            states.ask(NODE, SECONDS)


def test_a_pause_knows_no_largest_descriptor(closable: tuple[agents.States, Server]) -> None:
    states, _ = closable
    ours, theirs = socket.socketpair()
    with ours, theirs:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 2048)), hard))
        with socket.socket(fileno=fcntl.fcntl(ours, fcntl.F_DUPFD, 1500)) as high:
            theirs.send(b"!")
            states.pause(NODE, 30, high)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
