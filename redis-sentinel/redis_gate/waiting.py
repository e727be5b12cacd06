"""The port on which a waiting gate tells its peers what its disk holds."""

import json
import socket
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

Answer = Mapping[str, str | int | bool | None]

REDIS_GATE_PORT = 6380
SENTINEL_GATE_PORT = 26380
ASK_SECONDS = 0.5


class _Handler(socketserver.StreamRequestHandler):
    timeout = 2
    answer: Answer

    def handle(self) -> None:
        """Answer any line with the one thing there is to say."""
        self.rfile.readline(64)
        self.wfile.write(json.dumps(self.answer).encode() + b"\n")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@contextmanager
def waiting_port(port: int, answer: Answer) -> Iterator[None]:
    """Answer every peer, until the block ends, with one line of JSON: what `answer` holds at that moment."""
    handler = type("Handler", (_Handler,), {"answer": answer})
    with _Server(("", port), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
        yield
        server.shutdown()


def ask_waiting(host: str, port: int) -> Answer | None:
    """Ask the gate that may be waiting on a host; None when nobody answers there."""
    try:
        with socket.create_connection((host, port), ASK_SECONDS) as connection:
            connection.sendall(b"STATE\r\n")
            answer: Answer = json.loads(connection.makefile().readline())
            return answer
    except (OSError, ValueError):
        return None
