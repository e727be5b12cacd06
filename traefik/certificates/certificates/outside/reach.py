"""Who answers at the addresses of our names: a test token is fetched as an ACME server would fetch it."""

import asyncio
import io
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import cast

from certificates.outside.names import NamesError, NoAddressError, Resolver
from certificates.plan.findings import Findings

HTTP_PORT = 80
ANSWER_SECONDS = 5.0
MOST_BYTES = 8192
MOST_WORDS = 60


def look(
    resolver: Resolver, names: Iterable[str], token: str, answer: str, port: int = HTTP_PORT
) -> Findings:
    """Fetch a token through every address of every name, and say which do not give the answer."""
    return asyncio.run(_look(resolver, list(dict.fromkeys(names)), _Question(token, answer, port)))


@dataclass(frozen=True)
class _Question:
    token: str
    answer: str
    port: int

    def request(self, name: str) -> bytes:
        lines = (
            f"GET /.well-known/acme-challenge/{self.token} HTTP/1.1",
            f"Host: {name}",
            "User-Agent: certificates",
            "Connection: close",
        )
        return "\r\n".join((*lines, "", "")).encode()


async def _look(resolver: Resolver, names: list[str], question: _Question) -> Findings:
    return _together(await asyncio.gather(*(_look_at_name(resolver, name, question) for name in names)))


async def _look_at_name(resolver: Resolver, name: str, question: _Question) -> Findings:
    try:
        addresses = await asyncio.to_thread(resolver.addresses, name)
    except NoAddressError as problem:
        return Findings(wrong=(str(problem),))
    except NamesError as problem:
        return Findings(doubtful=(str(problem),))
    return _together(await asyncio.gather(*(_look_at_address(name, each, question) for each in addresses)))


async def _look_at_address(name: str, address: str, question: _Question) -> Findings:
    record = f"{'AAAA' if ':' in address else 'A'} {address} of {name}"
    received = bytearray()
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await _fetch(address, question.port, question.request(name), received)
    except TimeoutError:
        pass  # Some do not end the connection after a whole answer.
    except OSError as error:
        if not received:
            reason = os.strerror(error.errno) if error.errno else str(error)
            return Findings(doubtful=(f"{record} cannot be reached: {reason}",))
    if not received:
        return Findings(doubtful=(f"{record} does not answer",))
    return _judge(record, bytes(received), question.answer)


async def _fetch(address: str, port: int, request: bytes, received: bytearray) -> None:
    """Collect what is received up to the end, to a bound, or until the caller has had enough."""
    reader, writer = await asyncio.open_connection(address, port)
    try:
        writer.write(request)
        while len(received) < MOST_BYTES and (part := await reader.read(MOST_BYTES - len(received))):
            received += part
    finally:
        writer.transport.abort()


def _judge(record: str, received: bytes, answer: str) -> Findings:
    try:
        response = HTTPResponse(cast(socket.socket, _Received(received)))
        response.begin()
    except (HTTPException, ValueError):
        return Findings(wrong=(f"{record} answers with something else than HTTP{_words(received)}",))
    try:
        body = response.read()
    except HTTPException as cut:
        body = getattr(cut, "partial", b"")
    if response.status == 200 and body.rstrip() == answer.encode():
        return Findings()
    location = response.getheader("Location")
    if location and 300 <= response.status < 400:
        # A server follows it; where to, from outside, is not seen from here.
        return Findings(doubtful=(f"{record} answers {response.status} (to {_printable(location)})",))
    return Findings(wrong=(f"{record} answers {response.status}{_words(body)}",))


class _Received:
    """Bytes that HTTPResponse can read like a socket."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)


def _words(body: bytes) -> str:
    text = _printable(body.decode(errors="replace"))
    return f" ({text})" if text else ""


def _printable(text: str) -> str:
    """Return the first words of a stranger's text, without what a terminal would obey."""
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f"{words[:MOST_WORDS]}…" if len(words) > MOST_WORDS else words


def _together(findings: Iterable[Findings]) -> Findings:
    every = list(findings)
    return Findings(tuple(s for f in every for s in f.wrong), tuple(s for f in every for s in f.doubtful))
