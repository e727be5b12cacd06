"""The ways to the agents of the database nodes: over TLS, and in plain where a node knows no TLS yet."""

import json
import selectors
import socket
import ssl
import time
from http.client import HTTPConnection
from typing import Any

from .errors import ServiceError
from .tls import Tls

TLS_PORT = 8443
PLAIN_PORT = 8008
KNOCK_SECONDS = 0.3
AGAIN_SECONDS = 0.01


class GoneError(ServiceError):
    """A node has closed its connection, and nobody listens where it was, or its name is unknown."""


class States:
    """What nodes say of themselves, each asked by one thread over a connection that it keeps."""

    def __init__(self, tls: Tls) -> None:
        self._tls = tls
        self._kept: dict[str, HTTPConnection] = {}
        self._addresses: dict[str, str] = {}
        self._closed: set[str] = set()

    def ask(self, node: str, seconds: float) -> Any:
        """Return the answer of a node; raise GoneError, OSError, HTTPException or ValueError."""
        deadline = time.monotonic() + seconds
        if kept := self._kept.pop(node, None):
            try:
                return self._ask(kept, node, deadline)
            except (ConnectionError, ssl.SSLError):
                self._closed.add(node)
                if found := self._knock(node, deadline):
                    self._closed.discard(node)
                    return self._ask(found, node, deadline)
        try:
            connection = connect(self._tls, node, _left(deadline))
        except (ConnectionRefusedError, socket.gaierror) as error:
            if node in self._closed:
                raise GoneError(f"{node}: {error}") from error
            raise
        self._addresses[node] = connection.sock.getpeername()[0]
        return self._ask(connection, node, deadline)

    def pause(self, node: str, seconds: float, wake: socket.socket | None = None) -> None:
        """Wait for so long, less if a node closes the kept connection, which it never does while it is asked.

        Less also if there is something to read from `wake`, which is read then.
        """
        kept = self._kept.get(node)
        watched = [each for each in (kept.sock if kept else None, wake) if each]
        if not watched:
            time.sleep(seconds)
            return
        with selectors.PollSelector() as waiting:
            for each in watched:
                waiting.register(each, selectors.EVENT_READ)
            ready = [key.fileobj for key, _ in waiting.select(seconds)]
        if wake and wake in ready:
            wake.recv(4096)

    def _knock(self, node: str, deadline: float) -> HTTPConnection | None:
        """Connect where a node was; by its name it can take seconds to learn that nobody listens.

        While a process dies, its port can still take a connection for a moment, and closes it. Return None if
        nothing answers soon, or another node does: what is true of the name may be another thing. Raise
        GoneError.
        """
        while time.monotonic() < deadline:
            soon = min(deadline, time.monotonic() + KNOCK_SECONDS)
            try:
                return _connection(node, _secured(self._tls.client, node, self._addresses[node], soon))
            except ConnectionRefusedError as error:
                raise GoneError(f"{node}: {error}") from error
            except (ConnectionError, ssl.SSLEOFError):
                time.sleep(AGAIN_SECONDS)
            except OSError:
                break
        return None

    def _ask(self, connection: HTTPConnection, node: str, deadline: float) -> Any:
        """Ask, and keep the connection only if it has answered: a late answer must not pass for the next."""
        try:
            connection.sock.settimeout(_left(deadline))
            connection.request("GET", "/state", headers={"Connection": "keep-alive"})
            said = json.loads(connection.getresponse().read())
        except BaseException:
            connection.close()
            raise
        self._closed.discard(node)
        if connection.sock:  # Agents of the release before close it.
            self._kept[node] = connection
        return said


def connect(tls: Tls, node: str, seconds: float, address: str = "") -> HTTPConnection:
    """Connect to a node by its name, or at an address, for so long at most; raise OSError."""
    deadline = time.monotonic() + seconds
    connection = _connection(node, _open(tls, node, address or node, deadline))
    connection.sock.settimeout(_left(deadline))
    return connection


def _connection(node: str, opened: socket.socket) -> HTTPConnection:
    connection = HTTPConnection(node)
    connection.sock = opened
    return connection


def _open(tls: Tls, node: str, address: str, deadline: float) -> socket.socket:
    try:
        return _secured(tls.client, node, address, deadline)
    except (ConnectionRefusedError, ssl.SSLCertVerificationError):
        if tls.demanded:
            raise
        return socket.create_connection((address, PLAIN_PORT), _left(deadline))


def _secured(context: ssl.SSLContext, node: str, address: str, deadline: float) -> socket.socket:
    plain = socket.create_connection((address, TLS_PORT), _left(deadline))
    try:
        plain.settimeout(_left(deadline))
        return context.wrap_socket(plain, server_hostname=node)
    except OSError:
        plain.close()
        raise


def _left(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("timed out")
    return seconds
