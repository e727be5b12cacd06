"""Viewers of the result who do not keep to the protocol: plain sockets, byte by byte."""

from __future__ import annotations

import http.client
import re
import socket
from collections.abc import Iterable
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

PATH = "/socket.io/?EIO=4"
ANSWER_SECONDS = 8.0
TEXT, BINARY, CONTINUED, PING = 1, 2, 0, 9
UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)


def header(length: int, opcode: int = TEXT, *, last: bool = True, compressed: bool = False) -> bytes:
    """Return the head of a frame that announces so many bytes, masked with zeros."""
    first = opcode | 128 * last | 64 * compressed
    if length < 126:
        return bytes([first, 128 | length]) + bytes(4)
    size, marker = (2, 126) if length < 1 << 16 else (8, 127)
    return bytes([first, 128 | marker]) + length.to_bytes(size) + bytes(4)


def frame(payload: str | bytes, opcode: int = TEXT, *, last: bool = True, compressed: bool = False) -> bytes:
    """Return a whole frame."""
    content = payload.encode() if isinstance(payload, str) else payload
    return header(len(content), opcode, last=last, compressed=compressed) + content


class Raw:
    """One TCP connection to the service."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self.socket = socket.create_connection((place.hostname, place.port), timeout=ANSWER_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def ask(self, method: str, query: str, headers: str = "", body: str = "") -> None:
        """Send a request; a body brings its length unless the headers say another."""
        if body and "Content-Length" not in headers:
            headers += f"Content-Length: {len(body)}\r\n"
        request = f"{method} {PATH}{query} HTTP/1.1\r\nHost: result.localhost\r\n{headers}\r\n{body}"
        self.socket.sendall(request.encode())

    def send(self, parts: Iterable[bytes]) -> None:
        """Send for as long as the other side takes it."""
        with suppress(OSError):
            for part in parts:
                self.socket.sendall(part)

    def until(self, wanted: bytes) -> bytes:
        """Return what came, as soon as that was in it."""
        heard = b""
        while wanted not in heard:
            part = self.socket.recv(65536)
            assert part, f"ended after {heard!r}"
            heard += part
        return heard

    def rest(self, within: float = ANSWER_SECONDS) -> bytes:
        """Return all that comes until the other side ends it, which must happen in time."""
        self.socket.settimeout(within)
        heard = b""
        with suppress(ConnectionError):
            while part := self.socket.recv(65536):
                heard += part
        return heard


def watch(url: str, headers: str = "") -> Raw:
    """Return a WebSocket on which a viewer has joined."""
    raw = Raw(url)
    raw.ask("GET", "&transport=websocket", UPGRADE + headers)
    answer = raw.until(b"\r\n\r\n")
    assert b" 101 " in answer, answer
    assert b"permessage-deflate" not in answer
    raw.send([frame("40")])
    raw.until(b'42["status"')
    return raw


def poll(url: str, method: str, query: str, body: str | None = None) -> tuple[int, str]:
    """Return the status and the content of what a polling request is answered."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=ANSWER_SECONDS)
    try:
        connection.request(method, f"{PATH}&transport=polling{query}", body)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def open_session(url: str) -> str:
    """Return what names a new polling session in further requests."""
    status, content = poll(url, "GET", "")
    assert status == 200, content
    found = re.search(r'"sid":"([^"]+)"', content)
    assert found
    return f"&sid={found[1]}"
