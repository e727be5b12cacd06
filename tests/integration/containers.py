"""Throw-away containers, and a switchable way to them."""

from __future__ import annotations

import socket
import subprocess
import threading
import uuid
from contextlib import suppress


def docker(*arguments: str) -> str:
    """Run the Docker client and return what it prints."""
    done = subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def address(container: str) -> str:
    """Return where this machine and other containers reach a container; empty if nowhere."""
    return docker(
        "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", container
    )


class Container:
    """A running container with one port published on this machine."""

    def __init__(self, image: str, port: int, entrypoint: str, *command: str) -> None:
        self.name = f"vote-app-test-{uuid.uuid4().hex[:12]}"
        self._port = port
        docker(
            "run", "--detach", "--name", self.name, "--publish", f"127.0.0.1::{port}",
            "--entrypoint", entrypoint, image, *command,
        )  # fmt: skip

    @property
    def address(self) -> tuple[str, int]:
        """Where it can be reached; another place after each start."""
        host, _, port = docker("port", self.name, str(self._port)).partition("\n")[0].rpartition(":")
        return host, int(port)

    @property
    def inner_ip(self) -> str:
        """Where other containers reach it."""
        return address(self.name)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        docker("kill", self.name)

    def freeze(self) -> None:
        """Stop all of it where it stands, as if its machine hung."""
        docker("pause", self.name)

    def start(self) -> None:
        """Start it again with the data it had."""
        docker("start", self.name)

    def remove(self) -> None:
        """Leave nothing of it."""
        with suppress(subprocess.CalledProcessError):
            docker("rm", "--force", "--volumes", self.name)


class Forwarder:
    """A TCP port that leads wherever the test wants, as a proxy would."""

    def __init__(self, target: tuple[str, int] | None = None) -> None:
        self._target = target
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def switch(self, target: tuple[str, int] | None) -> None:
        """Lead elsewhere, or nowhere, from now on, and cut every connection there is."""
        self._target = target
        while self._open:
            _close(self._open.pop())

    def close(self) -> None:
        """Stop listening and cut every connection."""
        _close(self._listener)
        self.switch(None)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        if self._target is None:
            return _close(client)
        try:
            server = socket.create_connection(self._target, timeout=5)
        except OSError:
            return _close(client)
        server.settimeout(None)
        self._open += [client, server]
        threading.Thread(target=_copy, args=(server, client), daemon=True).start()
        return _copy(client, server)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    _close(source)
    _close(target)


def _close(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
