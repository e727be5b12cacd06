"""An HTTP server in which no client takes the memory, the time or the place of another."""

import io
import json
import socket
import ssl
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import structlog

from postgres_ha.errors import ServiceError

log = structlog.get_logger()

MAX_BODY_BYTES = 4096
MAX_REQUEST_BYTES = 16 * 1024
REQUEST_SECONDS = 5.0
MAX_CONNECTIONS = 64
# A peer asks once a second and for a term, and gives up within seconds.
MAX_CONNECTIONS_OF_ONE = 8

Body = dict[str, Any]


class RefusedError(ServiceError):
    """A request that is not read any further; `status` is the answer, the message says why."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def body_length(headers: Message) -> int:
    """Return how many bytes of body the headers announce; raise RefusedError."""
    if "Transfer-Encoding" in headers:
        raise RefusedError(HTTPStatus.LENGTH_REQUIRED, "a body needs a Content-Length")
    announced = headers.get_all("Content-Length", ["0"])
    text = announced[0].strip()
    if len(announced) > 1 or not (text.isascii() and text.isdigit()):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "Content-Length must be one whole number")
    # Python does not convert numbers of thousands of digits.
    if len(text) > len(str(MAX_BODY_BYTES)) or int(text) > MAX_BODY_BYTES:
        raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {MAX_BODY_BYTES} bytes of body")
    return int(text)


class Places:
    """How many connections are open: bounded in all, and for each address."""

    def __init__(self, total: int, each: int) -> None:
        self._total = total
        self._each = each
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self, address: str) -> bool:
        """Take a place, unless there is none."""
        with self._lock:
            if self._taken.total() >= self._total or self._taken[address] >= self._each:
                return False
            self._taken[address] += 1
            return True

    def give_back(self, address: str) -> None:
        """Give a place back."""
        with self._lock:
            self._taken -= Counter((address,))


class Server(ThreadingHTTPServer):
    """Give each connection a thread for as long as there are places, and close it where there are none."""

    daemon_threads = True
    request_queue_size = 32

    def __init__(self, port: int, handler: "type[Handler]", tls: ssl.SSLContext | None) -> None:
        super().__init__(("", port), handler)
        self.tls = tls
        self._places = Places(MAX_CONNECTIONS, MAX_CONNECTIONS_OF_ONE)

    def start(self) -> None:
        """Serve in a thread of its own."""
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin to answer a connection."""
        if not self._places.take(client_address[0]):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:
            self._places.give_back(client_address[0])
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer a connection to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.give_back(client_address[0])

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002
        """Log what went wrong; a client that has gone or dawdles is none of it."""
        if not isinstance(sys.exception(), OSError):
            log.exception("request failed", client=str(client_address))


class _Reader(io.RawIOBase):
    """What a client sends, until a deadline and up to a size; an OSError beyond either."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self.expect(deadline)

    def expect(self, deadline: float) -> None:
        """Begin with a request."""
        self._deadline = deadline
        self._left = MAX_REQUEST_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        seconds = self._deadline - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("request not complete in time")
        if not self._left:
            raise ConnectionError("request too large")
        self._connection.settimeout(seconds)
        received = self._connection.recv_into(memoryview(buffer)[: self._left])
        self._left -= received
        return received


class Handler(BaseHTTPRequestHandler):
    """Read requests, each within bounds, and answer in JSON.

    Whoever comes to another one over the same connection has as long for it as for the first.
    """

    protocol_version = "HTTP/1.1"
    server: Server
    timeout = REQUEST_SECONDS

    def setup(self) -> None:
        """Bound what is read: handshake, headers and body together."""
        deadline = time.monotonic() + REQUEST_SECONDS
        if self.server.tls:
            self.request.settimeout(REQUEST_SECONDS)
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()
        self.rfile.close()
        self._reader = _Reader(self.connection, deadline)
        self.rfile = io.BufferedReader(self._reader)

    def finish(self) -> None:
        """Take in what was not read: closing before would reset the connection and lose the answer."""
        with suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_WR)
            while cast(io.BufferedReader, self.rfile).read1():
                pass
        super().finish()
        self.connection.close()

    def body(self) -> Body:
        """Return the object that was sent; raise RefusedError."""
        try:
            body = json.loads(self.rfile.read(body_length(self.headers)) or b"{}")
        except (ValueError, RecursionError) as error:
            raise RefusedError(HTTPStatus.BAD_REQUEST, "the body is not JSON") from error
        if not isinstance(body, dict):
            raise RefusedError(HTTPStatus.BAD_REQUEST, "the body is not an object")
        return body

    def parse_request(self) -> bool:
        """Read the headers; the connection ends with the answer unless that says otherwise."""
        understood = super().parse_request()
        self.close_connection = True
        return understood

    def reply(self, status: HTTPStatus, body: Body) -> None:
        """Send the answer."""
        payload = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        if self.close_connection:
            self.send_header("Connection", "close")
        else:
            self._reader.expect(time.monotonic() + REQUEST_SECONDS)
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep quiet: every peer asks every second."""
