"""Exchanges large packets with the containers of the other nodes: `python mesh_probe.py SERVICE COUNT`.

Needs the standard library alone: its text is sent to each node. Prints one JSON object with what NODE says in
each of the COUNT containers of the service that it reached, itself among them; begins the line with its own.
"""

import json
import os
import socket
import sys
import threading
import time

PORT = 7000
# More than the largest packet of any way: a part of it that is too large for the way never arrives.
MESSAGE = b"x" * 65_536
SECONDS, BETWEEN_SECONDS, ANSWER_SECONDS = 20.0, 0.3, 3.0


def serve(name: str, address: str = "") -> None:
    """Say a name to whoever connects and sends the whole message."""
    with socket.create_server((address, PORT), backlog=64) as server:
        while True:
            visitor, _ = server.accept()
            threading.Thread(target=_answer, args=(visitor, name), daemon=True).start()


def _answer(visitor: socket.socket, name: str) -> None:
    with visitor:
        visitor.settimeout(ANSWER_SECONDS)
        try:
            left = len(MESSAGE)
            while left:
                part = visitor.recv(left)
                if not part:
                    return
                left -= len(part)
            visitor.sendall(MESSAGE + name.encode())
        except OSError:
            return  # whoever asked hears nothing, and says so


def ask(address: str) -> str:
    """Send the message, and return the name that comes behind the same in the answer; raise OSError."""
    with socket.create_connection((address, PORT), ANSWER_SECONDS) as connection:
        connection.sendall(MESSAGE)
        received = b""
        while part := connection.recv(len(MESSAGE)):
            received += part
    if len(received) <= len(MESSAGE):
        raise OSError("half an answer")
    return received[len(MESSAGE) :].decode()


def reach(service: str, count: int) -> list[str]:
    """Return the names of all that were reached, as soon as they are so many, or after some seconds."""
    reached: set[str] = set()
    deadline = time.monotonic() + SECONDS
    while len(reached) < count and time.monotonic() < deadline:
        for address in _addresses(service):
            try:
                reached.add(ask(address))
            except OSError:
                continue  # the next time it may be up
        time.sleep(BETWEEN_SECONDS)
    return sorted(reached)


def _addresses(service: str) -> list[str]:
    try:
        found = socket.getaddrinfo(f"tasks.{service}", PORT, socket.AF_INET, socket.SOCK_STREAM)
    except OSError:
        return []
    return sorted({str(address[0]) for *_, address in found})


def main() -> None:
    """Say whom it reaches, and go on answering for those who are slower."""
    node = os.environ.get("NODE", "")
    threading.Thread(target=serve, args=(node,), daemon=True).start()
    reached = reach(sys.argv[1], int(sys.argv[2]))
    print(node, json.dumps({"reached": reached}), flush=True)
    time.sleep(SECONDS)


if __name__ == "__main__":
    main()
