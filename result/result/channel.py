"""One viewer's WebSocket, bounded in what it takes, in what it holds and in how long it waits."""

from __future__ import annotations

import re
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING

import gevent
from gevent.lock import BoundedSemaphore
from gunicorn.workers.base_async import ALREADY_HANDLED
from werkzeug.exceptions import BadRequest
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, TextMessage
from wsproto.extensions import Extension
from wsproto.frame_protocol import CloseReason, FrameDecoder, FrameProtocol, Opcode, RsvBits
from wsproto.utilities import LocalProtocolError, generate_accept_token

from result.packets import LARGEST_BYTES, understand

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

VERSION = "13"
KEY = re.compile(r"[A-Za-z0-9+/]{22}==")
READ_BYTES = 4096
# What the kernel keeps for a viewer who does not read; the whole of the last hour takes 10 kB at most.
SEND_BUFFER_BYTES = 16_384
# A viewer answers one ping of seven bytes every five seconds.
MOST_BYTES, WINDOW_SECONDS = 2 * LARGEST_BYTES, 5.0
# Engine.IO lets a viewer go after ten; this ends what it has no hold on, as a change that stopped half-way.
SILENCE_SECONDS = 12.0
FAREWELL_SECONDS = 1.0


class Largest(Extension):
    """Refuses a frame by its header, before any of what it announces is read."""

    name = "largest"

    def enabled(self) -> bool:
        """Apply without being negotiated."""
        return True

    def offer(self) -> bool:
        """Say nothing of it to the other side."""
        return False

    def frame_inbound_header(
        self, _proto: FrameDecoder | FrameProtocol, _opcode: Opcode, _rsv: RsvBits, payload_length: int
    ) -> CloseReason | RsvBits:
        """Refuse what is announced as too large."""
        too_large = payload_length > LARGEST_BYTES
        return CloseReason.MESSAGE_TOO_BIG if too_large else RsvBits(False, False, False)


class Allowance:
    """What may be received within a window of time."""

    def __init__(self) -> None:
        self._since = 0.0
        self._received = 0

    def covers(self, size: int, now: float) -> bool:
        """Say whether so many bytes may come now, and remember them."""
        if now - self._since >= WINDOW_SECONDS:
            self._since, self._received = now, 0
        self._received += size
        return self._received <= MOST_BYTES


class Channel:
    """A WebSocket as Engine.IO wants it: a WSGI application that runs the handler it was made with.

    Extensions are never agreed on: compressed, a small frame could hold a large message, and each viewer
    would take a compressor of a quarter of a megabyte.
    """

    def __init__(self, handler: Callable[[Channel], object], _server: object) -> None:
        self._handler = handler
        self._protocol = Connection(ConnectionType.SERVER, [Largest()])
        self._allowance = Allowance()
        self._text = ""
        self._packets: deque[str] = deque()
        self._writing = BoundedSemaphore()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> object:
        """Serve the viewer for as long as they stay."""
        key = environ.get("HTTP_SEC_WEBSOCKET_KEY", "")
        if environ.get("HTTP_SEC_WEBSOCKET_VERSION") != VERSION or not KEY.fullmatch(key):
            return BadRequest("This is no request for a WebSocket.")(environ, start_response)
        self._socket: socket.socket = environ["gunicorn.socket"]
        self._socket.settimeout(SILENCE_SECONDS)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        try:
            self._socket.sendall(_acceptance(key))
            self._handler(self)
        except OSError:
            pass
        finally:
            self.close()
        # No response is to follow.
        return ALREADY_HANDLED

    def wait(self) -> str | None:
        """Return the next packet; None once the connection has ended, whoever ended it."""
        with suppress(OSError, gevent.Timeout), gevent.Timeout(SILENCE_SECONDS):
            while not self._packets:
                self._receive()
            return self._packets.popleft()
        return None

    def send(self, packet: str) -> None:
        """Send a packet, or raise OSError."""
        self._write(_frame_of(packet))

    def close(self, reason: int = CloseReason.NORMAL_CLOSURE) -> None:
        """End the connection, saying why if the other side still listens; whoever waits or sends is told."""
        with suppress(OSError, LocalProtocolError, gevent.Timeout), gevent.Timeout(FAREWELL_SECONDS):
            self._write(self._protocol.send(CloseConnection(code=reason)))
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _receive(self) -> None:
        data = self._socket.recv(READ_BYTES)
        if not data:
            raise ConnectionError
        if not self._allowance.covers(len(data), time.monotonic()):
            self._refuse(CloseReason.POLICY_VIOLATION)
        self._protocol.receive_data(data)
        for event in self._protocol.events():
            self._take(event)

    def _take(self, event: Event) -> None:
        match event:
            case TextMessage():
                self._take_text(event)
            case Ping():
                self._write(self._protocol.send(event.response()))
            case CloseConnection():
                self._refuse(event.code)
            case BytesMessage():
                self._refuse(CloseReason.POLICY_VIOLATION)

    def _take_text(self, event: TextMessage) -> None:
        self._text += event.data
        if len(self._text) > LARGEST_BYTES:
            self._refuse(CloseReason.MESSAGE_TOO_BIG)
        if event.message_finished:
            packet, self._text = understand(self._text), ""
            if packet is None:
                self._refuse(CloseReason.POLICY_VIOLATION)
            else:
                self._packets.append(packet)

    def _refuse(self, reason: int) -> None:
        self.close(reason)
        raise ConnectionError

    def _write(self, frame: bytes) -> None:
        """Send whole frames, one after the other: viewers are told things while their pings are answered."""
        with self._writing:
            sent = self._socket.send(frame)
            if sent < len(frame):
                self._socket.sendall(frame[sent:])


@lru_cache(maxsize=32)
def _frame_of(packet: str) -> bytes:
    """Return a packet's frame; it is the same for every viewer."""
    return bytes(Connection(ConnectionType.SERVER).send(TextMessage(data=packet)))


def _acceptance(key: str) -> bytes:
    token = generate_accept_token(key.encode())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + token + b"\r\n\r\n"
    )
