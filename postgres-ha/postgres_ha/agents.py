"""The ways to the agents of the database nodes: over TLS, and in plain where a node knows no TLS yet."""

import socket
import ssl
import time
from http.client import HTTPConnection

from .tls import Tls

TLS_PORT = 8443
PLAIN_PORT = 8008


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
