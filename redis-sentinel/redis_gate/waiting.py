"""The port on which a waiting gate tells its peers what its disk holds."""

import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from redis_gate.node_tls import Tls

Answer = Mapping[str, str | int | bool | None]

REDIS_GATE_PORT = 6380
SENTINEL_GATE_PORT = 26380
ASK_SECONDS = 0.5


class _Handler(socketserver.StreamRequestHandler):
    timeout = 2
    answer: Answer

    def handle(self) -> None:
        """Answer any line with the one thing there is to say."""
        with suppress(OSError):
            self.rfile.readline(64)
            self.wfile.write(json.dumps(self.answer).encode() + b"\n")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    context: ssl.SSLContext | None = None

    def get_request(self) -> tuple[Any, Any]:
        """Accept a connection; its handshake comes with the first reading, where it holds up nobody else."""
        connection, peer = super().get_request()
        if self.context:
            connection = self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, peer


@contextmanager
def waiting_port(port: int, answer: Answer, tls: Tls | None) -> Iterator[None]:
    """Answer every peer, until the block ends, with one line of JSON: what `answer` holds at that moment."""
    handler = type("Handler", (_Handler,), {"answer": answer})
    with _Server(("", port), handler) as server:
        server.context = tls.as_server() if tls else None
        threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
        yield
        server.shutdown()


def ask_waiting(host: str, port: int, tls: Tls | None) -> Answer | None:
    """Ask the gate that may be waiting on a host; None when nobody answers there."""
    try:
        with _connect(host, port, tls) as connection:
            connection.sendall(b"STATE\r\n")
            answer: Answer = json.loads(connection.makefile().readline())
            return answer
    except (OSError, ValueError):
        return None


def _connect(host: str, port: int, tls: Tls | None) -> socket.socket:
    connection = socket.create_connection((host, port), ASK_SECONDS)
    return tls.as_client().wrap_socket(connection, server_hostname=host) if tls else connection
