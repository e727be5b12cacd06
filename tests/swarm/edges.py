"""The way in over several edges, as a browser takes it whose look-up gave several addresses."""

import asyncio
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

CONNECT_SECONDS = 1.0
HEAD = re.compile(rb"HTTP/1\.1 (\d{3})")
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
POLL = re.compile(rb'name="poll" value="(\d*)"')
SERVED = re.compile(rb'name="served" value="(\d+)"')
RETRY = re.compile(rb"\r\nretry-after:", re.IGNORECASE)
COOKIE = re.compile(rb"\r\nset-cookie: *(voter_id=[^;\r]+)", re.IGNORECASE)


class NoEdgeError(Exception):
    """No edge could be connected to, so nothing was sent."""


class StaleConnectionError(OSError):
    """A connection that was kept ended before a byte of the answer came: browsers send the request again."""


@dataclass(frozen=True)
class Site:
    """One host name of the stack and the edges that serve it."""

    host: str
    port: int
    addresses: tuple[str, ...]
    trust: ssl.SSLContext

    def edges(self, turn: int) -> Iterator[str]:
        """Yield each address once, beginning at the turn's."""
        for step in range(len(self.addresses)):
            yield self.addresses[(turn + step) % len(self.addresses)]

    def connect(self, turn: int) -> tuple[str, ssl.SSLSocket]:
        """Return the first edge that lets us in, and the connection to it."""
        for address in self.edges(turn):
            try:
                plain = socket.create_connection((address, self.port), CONNECT_SECONDS)
                return address, self.trust.wrap_socket(plain, server_hostname=self.host)
            except ssl.SSLCertVerificationError:
                raise
            except OSError:
                continue
        raise NoEdgeError


@dataclass(frozen=True)
class Answer:
    """An HTTP response, as far as a voter cares."""

    status: int
    cookie: str
    served: int = 0  # milliseconds of the service's clock at which the page was made
    poll: str | None = None  # what the page's form sends as the number of its poll, if it has such a field
    honest: bool = False  # the service itself says that nothing was recorded, not the edge


class Browser:
    """One kept connection."""

    def __init__(self, site: Site, turn: int) -> None:
        self._site = site
        self._turn = turn
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._kept = False  # the connection has answered before
        self.edge = ""

    async def connect(self) -> None:
        """Make sure that there is a connection; raise NoEdgeError."""
        if self._streams and not self._streams[0].at_eof():
            return
        self.close()
        for address in self._site.edges(self._turn):
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    self._streams = await asyncio.open_connection(
                        address, self._site.port, ssl=self._site.trust, server_hostname=self._site.host
                    )
            except ssl.SSLCertVerificationError:
                raise
            except OSError:  # TimeoutError is one
                continue
            self.edge, self._kept = address, False
            return
        self.edge = ""
        raise NoEdgeError

    async def request(self, method: str, cookie: str = "", body: bytes = b"") -> Answer:
        """Send a request over the connection and return the answer; raise OSError or EOFError."""
        if not self._streams:
            raise NoEdgeError
        reader, writer = self._streams
        head = b""
        try:
            writer.write(self._head(method, cookie, len(body)) + body)
            head = await reader.readuntil(b"\r\n\r\n")
            length = LENGTH.search(head)
            page = await reader.readexactly(int(length[1]) if length else 0)
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            self.close()
            if self._kept and not head and not getattr(error, "partial", b""):
                raise StaleConnectionError from error
            raise
        except BaseException:
            self.close()
            raise
        self._kept = True
        if length is None or b"\r\nconnection: close" in head.lower():
            self.close()
        return _answer(head, page)

    def _head(self, method: str, cookie: str, length: int) -> bytes:
        port = "" if self._site.port == 443 else f":{self._site.port}"
        lines = [f"{method} / HTTP/1.1", f"Host: {self._site.host}{port}", f"Content-Length: {length}"]
        lines += ["Content-Type: application/x-www-form-urlencoded;charset=UTF-8"] if length else []
        lines += [f"Cookie: {cookie}"] if cookie else []
        return "\r\n".join([*lines, "", ""]).encode()

    def begin_at(self, turn: int) -> None:
        """Begin anew, at the turn's edge."""
        self.close()
        self._turn = turn

    def close(self) -> None:
        """Forget the connection; the next one begins at the next edge."""
        if self._streams:
            self._streams[1].transport.abort()
            self._streams = None
            self._turn += 1


def _answer(head: bytes, page: bytes) -> Answer:
    status, cookie = HEAD.match(head), COOKIE.search(head)
    served, poll = SERVED.search(page), POLL.search(page)
    return Answer(
        int(status[1]) if status else 0,
        cookie[1].decode() if cookie else "",
        int(served[1]) if served else 0,
        poll[1].decode() if poll else None,
        # The edge, too, may say when to come back, with a status of its own.
        bool(status and int(status[1]) == 503 and RETRY.search(head)),
    )
