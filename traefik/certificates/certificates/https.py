"""HTTPS, as Traefik asks: no client takes the time or the place of another.

Strangers are answered by waitress, which knows no TLS.
"""

from __future__ import annotations

import io
import socket
import ssl
import sys
import time
from socketserver import ThreadingMixIn
from typing import IO, Any, cast
from wsgiref.handlers import SimpleHandler
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import WSGIApplication

import structlog

# An edge asks once in a while, over a connection of its own each time, and gives up sooner.
REQUEST_SECONDS = 5.0
MOST_BYTES = 16 * 1024
CONNECTIONS, CONNECTIONS_OF_ONE = 16, 4

log = structlog.get_logger()


class Server(ThreadingMixIn, WSGIServer):
    """Gives each connection a thread for one request; where there is no place for it, it is closed."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, app: WSGIApplication, context: ssl.SSLContext) -> None:
        super().__init__(("", port), Handler)
        self.app = app
        self._context = context
        self._open: set[tuple[str, int]] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin to answer a connection: so many at once in all, and of each address."""
        of_one = [address for address, _ in tuple(self._open) if address == client_address[0]]
        if len(self._open) >= CONNECTIONS or len(of_one) >= CONNECTIONS_OF_ONE:
            self.shutdown_request(request)
            return
        self._open.add(client_address)
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # There is no thread.
            self._open.discard(client_address)
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer a connection to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._open.discard(client_address)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Make the handshake in the connection's own thread, and answer."""
        request.settimeout(REQUEST_SECONDS)
        with self._context.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002
        """Log what went wrong; a client that has gone, dawdles or speaks no TLS is none of it."""
        if not isinstance(sys.exception(), OSError):
            log.exception("request failed", client=str(client_address))


class Handler(WSGIRequestHandler):
    """Answers one request, of which it reads the headers."""

    server: Server

    def handle(self) -> None:
        """Hand the request on to the application."""
        self.rfile = io.BytesIO(_head(self.connection))
        self.raw_requestline = self.rfile.readline()
        if self.parse_request():
            answer = cast(IO[bytes], self.wfile)
            SimpleHandler(io.BytesIO(), answer, sys.stderr, self.get_environ()).run(self.server.app)

    def send_response(self, code: int, message: str | None = None) -> None:
        """Refuse what is no request, and do not say who does."""
        self.send_response_only(code, message)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep quiet: every edge asks every few seconds."""


def _head(connection: socket.socket) -> bytes:
    """Return what a client sends up to the empty line; raise OSError beyond a time or a size."""
    deadline = time.monotonic() + REQUEST_SECONDS
    received = b""
    while b"\r\n\r\n" not in received:
        connection.settimeout(max(deadline - time.monotonic(), 0.001))
        part = connection.recv(MOST_BYTES - len(received))
        if not part:
            raise ConnectionError("no whole request")
        received += part
    return received
