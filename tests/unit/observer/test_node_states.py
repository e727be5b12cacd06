from __future__ import annotations

import http.server
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kit.inside import Inside
from observer import node_states
from observer.node_states import Trust

NODE = "localhost"
SAID = {"tls": {"said": "over TLS"}, "plain": {"said": "in plain"}}


class Agent(http.server.BaseHTTPRequestHandler):
    """Says over what it is asked."""

    def do_GET(self) -> None:
        kind = "tls" if isinstance(self.connection, ssl.SSLSocket) else "plain"
        self.send_response(200 if self.path == "/state" else 404)
        self.end_headers()
        self.wfile.write(json.dumps(SAID[kind]).encode())

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def listening(pair: Path | None = None) -> Iterator[int]:
    """Run an agent, over TLS where it has a certificate; give its port."""
    server = http.server.HTTPServer((NODE, 0), Agent)
    if pair:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates of two authorities, the first of which is trusted."""
    made = tmp_path_factory.mktemp("authorities")
    Inside(made / "ours", NODE, "postgres-9")
    Inside(made / "theirs", NODE)
    return made


def trust(folder: Path, demanded: bool) -> Trust:
    return Trust(ssl.create_default_context(cafile=folder / "ours" / "authority"), demanded)


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run an agent that speaks plain HTTP as well."""
    with listening() as port, socket.create_server((NODE, 0)) as closed:
        monkeypatch.setattr(node_states, "PLAIN_PORT", port)
        monkeypatch.setattr(node_states, "TLS_PORT", closed.getsockname()[1])
        closed.close()
        yield


@pytest.mark.parametrize("demanded", [True, False])
def test_an_agent_is_asked_over_tls(demanded: bool, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(folder / "ours" / NODE) as port:
        monkeypatch.setattr(node_states, "TLS_PORT", port)
        assert node_states.state(NODE, trust(folder, demanded))() == SAID["tls"]


def test_an_agent_that_has_no_tls_is_asked_in_plain_where_that_may_be(folder: Path) -> None:
    assert node_states.state(NODE, trust(folder, demanded=False))() == SAID["plain"]
    with pytest.raises(ConnectionRefusedError):
        node_states.state(NODE, trust(folder, demanded=True))()


@pytest.mark.parametrize("pair", [f"theirs/{NODE}", "ours/postgres-9"])
def test_who_shows_another_certificate_is_asked_in_plain_where_that_may_be(
    pair: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(folder / pair) as port:
        monkeypatch.setattr(node_states, "TLS_PORT", port)
        assert node_states.state(NODE, trust(folder, demanded=False))() == SAID["plain"]
        with pytest.raises(ssl.SSLCertVerificationError):
            node_states.state(NODE, trust(folder, demanded=True))()


@pytest.mark.parametrize("demanded", [True, False])
def test_who_says_nothing_is_not_waited_for_twice(
    demanded: bool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_states, "SECONDS", 0.2)
    with socket.create_server((NODE, 0)) as silent:
        monkeypatch.setattr(node_states, "TLS_PORT", silent.getsockname()[1])
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            node_states.state(NODE, trust(folder, demanded))()
        assert time.monotonic() - began < 1
