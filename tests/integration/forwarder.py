"""A switchable way to a container."""

import socket
import threading
from contextlib import suppress


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
