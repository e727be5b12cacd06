"""The screen of a viewer: the connection by which the result page learns what has changed.

It speaks Engine.IO 4 and Socket.IO 5 as the page's script does over a WebSocket.
"""

from __future__ import annotations

import json
import time
from types import TracebackType
from typing import Any

import websocket
from websocket import WebSocketException

from prober.edges import AwayError, Edges
from prober.settings import Settings

ANSWER_SECONDS = 5.0
AGAIN_SECONDS = 0.5
# The service pings every five, and a browser gives up a connection after ten.
SILENCE_SECONDS = 10.0
QUERY = "socket.io/?EIO=4&transport=websocket"
# It joins as nobody: a viewer would be counted on the result page.
PING, PONG, JOIN, EVENT = "2", "3", '40{"viewer":false}', "42"


class Screen:
    """A viewer's connection, which is opened anew when it is lost."""

    def __init__(self, settings: Settings, edges: Edges) -> None:
        self._settings = settings
        self._edges = edges
        self._socket = self._open()

    def __enter__(self) -> Screen:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._socket.shutdown()

    def shows(self, identity: str, deadline: float) -> bool:
        """Wait until a test vote is told of; say whether it was until a time of the monotonic clock."""
        while (left := deadline - time.monotonic()) > 0:
            try:
                self._socket.settimeout(min(left, SILENCE_SECONDS))
                if identity in newest(self._receive()):
                    return True
            except (WebSocketException, OSError):
                self._open_again(deadline)
        return False

    def _open_again(self, deadline: float) -> None:
        """Come back as browsers do; who arrives is told what there is."""
        self._socket.shutdown()
        while time.monotonic() < deadline:
            time.sleep(AGAIN_SECONDS)
            try:
                self._socket = self._open()
            except AwayError:
                continue
            return

    def _open(self) -> Any:
        host = self._settings.result_host
        path = "/result/" if self._settings.by_path else "/"
        secure = self._edges.open(host, ANSWER_SECONDS)
        try:
            opened = websocket.create_connection(
                f"wss://{host}{path}{QUERY}", timeout=ANSWER_SECONDS, socket=secure, origin=f"https://{host}"
            )
            opened.send(JOIN)
        except (WebSocketException, OSError) as error:
            secure.close()
            raise AwayError(f"{host} shows nothing: {error}") from error
        return opened

    def _receive(self) -> str:
        packet = self._socket.recv()
        text = packet if isinstance(packet, str) else ""
        if not packet:
            raise WebSocketException("closed")
        if text.startswith(PING):
            self._socket.send(PONG + text.removeprefix(PING))
        return text


def newest(packet: str) -> list[object]:
    """Return the test votes that a packet tells of, none where it tells of something else."""
    if not packet.startswith(EVENT):
        return []
    try:
        event = json.loads(packet.removeprefix(EVENT))
    except ValueError:
        return []
    match event:
        case ["probe", {"newest": list(found)}]:
            return found
    return []
