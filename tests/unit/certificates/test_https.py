from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from flask import Flask

from certificates import https
from certificates.https import CONNECTIONS_OF_ONE, MOST_BYTES, Server
from kit.inside import Inside
from kit.waiting import wait_until

NAME = "certificates"
WHOLE = b"GET / HTTP/1.1\r\nHost: certificates\r\n\r\n"
STRANGER, TRAEFIK = "127.0.0.2", "127.0.0.3"


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inside") / "made"
    Inside(folder, NAME)
    return folder


@pytest.fixture
def port(inside: Path) -> Iterator[int]:
    """Serve something; give the port."""
    app = Flask("test")
    app.add_url_rule("/", view_func=lambda: "the key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(inside / NAME)
    server = Server(0, app, context)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def connect(port: int, source: str = TRAEFIK) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 5, source_address=(source, 0))


def secured(port: int, inside: Path, source: str = TRAEFIK) -> ssl.SSLSocket:
    trust = ssl.create_default_context(cafile=inside / "authority")
    return trust.wrap_socket(connect(port, source), server_hostname=NAME)


def rest(connection: socket.socket) -> bytes:
    """Return what comes until the end."""
    received = b""
    try:
        while part := connection.recv(4096):
            received += part
    except ConnectionResetError:
        pass
    return received


def ask(port: int, inside: Path, request: bytes = WHOLE, source: str = TRAEFIK) -> bytes:
    with secured(port, inside, source) as connection:
        connection.sendall(request)
        return rest(connection)


def test_a_request_over_tls_is_answered(port: int, inside: Path) -> None:
    head, _, body = ask(port, inside).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200 OK\r\n")
    assert body == b"the key"


@pytest.mark.parametrize("request_", [WHOLE, b"GET /elsewhere HTTP/1.1\r\n\r\n", b"GET / rubbish\r\n\r\n"])
def test_no_answer_says_whose_it_is(request_: bytes, port: int, inside: Path) -> None:
    head = ask(port, inside, request_).partition(b"\r\n\r\n")[0].lower()
    assert b"server:" not in head
    assert b"python" not in head


def test_in_plain_nothing_is_answered(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(WHOLE)
        assert b"HTTP" not in rest(connection)


def test_headers_are_read_up_to_a_size(port: int, inside: Path) -> None:
    for size, answered in ((MOST_BYTES, True), (MOST_BYTES + 1, False)):
        request = WHOLE.replace(b"\r\n\r\n", b"\r\nX: ")
        request += b"x" * (size - len(request) - 4) + b"\r\n\r\n"
        assert (b"the key" in ask(port, inside, request)) is answered


def test_the_silent_and_the_slow_hold_up_nobody(port: int, inside: Path) -> None:
    with ExitStack() as flood:
        for number in range(200):
            connection = flood.enter_context(connect(port, STRANGER))
            if number % 2:
                connection.sendall(b"\x16\x03\x01\x02")  # the beginning of a handshake
        began = time.monotonic()
        assert b"the key" in ask(port, inside)
        assert time.monotonic() - began < 1


def test_one_address_has_so_many_places_and_gets_them_back(port: int, inside: Path) -> None:
    with ExitStack() as places:
        for _ in range(CONNECTIONS_OF_ONE):
            places.enter_context(secured(port, inside, STRANGER))
        with connect(port, STRANGER) as refused:
            assert rest(refused) == b""
        assert b"the key" in ask(port, inside)
    wait_until(lambda: answers(port, inside, STRANGER))


def answers(port: int, inside: Path, source: str) -> bool:
    try:
        return b"the key" in ask(port, inside, source=source)
    except OSError:
        return False


@pytest.mark.parametrize("secure", [True, False])
def test_who_dawdles_is_cut_off(
    secure: bool, port: int, inside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(https, "REQUEST_SECONDS", 0.3)
    began = time.monotonic()
    with secured(port, inside) if secure else connect(port) as connection:
        connection.sendall(b"GET /" if secure else b"\x16\x03\x01\x40\x00")  # a long record of a handshake
        wait_until(lambda: not goes_on(connection), 5)
        assert 0.2 < time.monotonic() - began < 2


def goes_on(connection: socket.socket) -> bool:
    """Send one byte more, if that can be."""
    try:
        connection.sendall(b"x")
    except OSError:
        return False
    return True
