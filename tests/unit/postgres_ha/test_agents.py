"""Which ways to an agent are tried, and what each agent makes of them."""

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http import HTTPStatus

import pytest

from kit.inside import Inside
from kit.services import free_port
from postgres_ha import agents, tls
from postgres_ha.listener import Handler, Server
from postgres_ha.tls import Tls
from unit.conftest import environment

NODE = "postgres-1"
SECONDS = 1.0
REFUSED = ConnectionRefusedError
UNTRUSTED = ssl.SSLCertVerificationError


class Way(Handler):
    """Say which way the question came."""

    def do_GET(self) -> None:  # noqa: N802
        self.reply(HTTPStatus.OK, {"way": "tls" if self.server.tls else "plain"})


@contextmanager
def serving(context: ssl.SSLContext | None) -> Iterator[int]:
    with Server(0, Way, context) as server:
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
