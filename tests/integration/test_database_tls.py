"""Worker and result before a database that has no TLS, or that cannot prove who it is."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from integration.conftest import Database, RedisNode, Start
from kit.inside import Inside
from kit.services import Service
from kit.waiting import wait_until
from worker.stream import STREAM

# Whose certificate it shows, as a file's name; what libpq says of it.
STRANGERS = {
    "ours/pgpool": 'server certificate for "pgpool" (and 1 other name) does not match host name "127.0.0.1"',
    "theirs/127.0.0.1": "certificate verify failed",
}


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates of two authorities, the first of which is trusted."""
    folder = tmp_path_factory.mktemp("authorities")
    Inside(folder / "ours", "pgpool")
    Inside(folder / "theirs", "127.0.0.1")
    return folder


@pytest.fixture
def run(start: Start, redis_server: RedisNode, authorities: Path) -> Start:
    """Return a function that starts a service as `verify-full` or `prefer` has it."""

    def _run(name: str, mode: str, port: int) -> Service:
        return start(
            name,
            redis_port=redis_server.container.address[1],
            database_port=port,
            pgsslmode=mode,
            pgsslrootcert=authorities / "ours" / "authority",
        )

    return _run


@pytest.fixture
def plain(database: Database) -> int:
    """The port of a database without TLS."""
    database.proxy.switch(database.container.address)
    return database.proxy.port


@pytest.fixture(params=STRANGERS)
def stranger(request: pytest.FixtureRequest, authorities: Path) -> Iterator[tuple[int, str]]:
    """Something that begins TLS as a database does; its port, and what is said of its certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authorities / request.param)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=begin_tls, args=(listener, context), daemon=True).start()
        yield listener.getsockname()[1], STRANGERS[request.param]


def begin_tls(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, suppress(OSError):
            connection.recv(8)  # SSLRequest
            connection.sendall(b"S")
            context.wrap_socket(connection, server_side=True).close()


def wait_said(capfd: pytest.CaptureFixture[str], words: str) -> str:
    """Return the line with these words, once a service has said it."""
    said: list[str] = []

    def found() -> str | None:
        said.extend(capfd.readouterr().out.splitlines())
        return next((line for line in said if words in line.replace('\\"', '"')), None)

    return wait_until(found, 20, lambda: "\n".join(said))


@pytest.mark.parametrize("service", ["worker", "result"])
def test_a_database_without_tls_is_away_where_tls_is_demanded(
    service: str, run: Start, plain: int, capfd: pytest.CaptureFixture[str]
) -> None:
    run(service, "verify-full", plain)
    assert "database away" in wait_said(capfd, "server does not support SSL, but SSL was required")


@pytest.mark.parametrize("service", ["worker", "result"])
def test_a_database_that_cannot_prove_who_it_is_is_away(
    service: str, run: Start, stranger: tuple[int, str], capfd: pytest.CaptureFixture[str]
) -> None:
    port, words = stranger
    run(service, "verify-full", port)
    assert "database away" in wait_said(capfd, words)


def test_a_database_without_tls_is_taken_where_that_may_be(
    run: Start, plain: int, redis: Any, database: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    redis.xadd(STREAM, {"id": "voter", "vote": "a", "version": 1})
    run("worker", "prefer", plain)
    run("result", "prefer", plain)
    wait_said(capfd, '"state": "live"')
    wait_until(lambda: database.stored() == 1)
