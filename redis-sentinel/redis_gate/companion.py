"""Runs beside Redis or Sentinel for as long as the container lives: its name server, and its metrics.

One process does both and needs no package, so keep it small. Who asks is answered in turn, whatever the
request: the port is reached from the nodes' own network alone.
"""

import socket
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

from redis_gate import cgroup, name_server
from redis_gate.cgroup import Usage

PORT = 9100
BACKLOG = 8
ANSWER_SECONDS = 1.0
PAUSE_SECONDS = 0.03
REQUEST_BYTES = 4096
HEAD = "HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n\r\n"


def text(usage: Usage) -> str:
    """Return the metrics of what is known, by the names that other services give them."""
    told = (
        ("vote_app_cgroup_memory_bytes", "gauge", usage.memory),
        ("vote_app_cgroup_memory_limit_bytes", "gauge", usage.memory_limit),
        ("vote_app_cgroup_cpu_seconds_total", "counter", usage.cpu_seconds),
    )
    return "".join(
        f"# TYPE {name} {kind}\n{name} {value}\n" for name, kind, value in told if value is not None
    )


def serve(listener: socket.socket) -> None:
    """Answer one after the other, without end."""
    while True:
        # Who leaves or is too slow gets nothing; while all files are open nobody does.
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(ANSWER_SECONDS)
                connection.recv(REQUEST_BYTES)
                connection.sendall((HEAD + text(cgroup.read())).encode())
        time.sleep(PAUSE_SECONDS)


def main(nodes: Sequence[str]) -> None:
    """Serve both until the container ends; without the port of the metrics, names alone."""
    try:
        listener = socket.create_server(("", PORT), backlog=BACKLOG)
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
    except OSError as error:
        sys.stderr.write(f"no metrics at port {PORT}: {error}\n")
    name_server.main(nodes)


if __name__ == "__main__":
    main(sys.argv[1:])
