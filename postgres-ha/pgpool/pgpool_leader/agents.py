"""The ways to the agents of the database nodes: over TLS, and in plain where a node knows no TLS yet."""

import json
import socket
import ssl
import time
from http.client import HTTPConnection
from typing import Any

from .tls import Tls

TLS_PORT = 8443
PLAIN_PORT = 8008


class States:
    """What nodes say of themselves, each asked by one thread over a connection that it keeps."""

    def __init__(self, tls: Tls) -> None:
        self._tls = tls
        self._kept: dict[str, HTTPConnection] = {}

    def ask(self, node: str, seconds: float) -> Any:
        """Return the answer of a node; raise OSError, HTTPException or ValueError."""
        deadline = time.monotonic() + seconds
        if kept := self._kept.pop(node, None):
            try:
                return self._ask(kept, node, deadline)
            except (ConnectionError, ssl.SSLError):
                pass  # The node has closed it since.
        return self._ask(connect(self._tls, node, _left(deadline)), node, deadline)

    def _ask(self, connection: HTTPConnection, node: str, deadline: float) -> Any:
        """Ask, and keep the connection only if it has answered: a late answer must not pass for the next."""
        try:
            connection.sock.settimeout(_left(deadline))
            connection.request("GET", "/state", headers={"Connection": "keep-alive"})
            said = json.loads(connection.getresponse().read())
        except BaseException:
            connection.close()
            raise
        if connection.sock:  # Agents of the release before close it.
            self._kept[node] = connection
        return said


def connect(tls: Tls, node: str, seconds: float, address: str = "") -> HTTPConnection:
    """Connect to a node by its name, or at an address, for so long at most; raise OSError."""
    deadline = time.monotonic() + seconds
    connection = HTTPConnection(node)
    connection.sock = _open(tls, node, address or node, deadline)
    connection.sock.settimeout(_left(deadline))
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
