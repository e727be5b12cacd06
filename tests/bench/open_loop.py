"""Votes at a given rate, whatever becomes of the earlier ones, so that waiting is not hidden."""

from __future__ import annotations

import asyncio
import gc
import itertools
import re
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

from bench.closed_loop import RefusedError
from vote.ballot import wall_milliseconds

CONNECTIONS = 64
# Whose turn comes again votes for the other one; what is between them is left for those who count.
CHOICES = (b"a", b"c")
AFTER_MILLISECONDS = 1500
MOMENT_DIGITS = 13  # of milliseconds since 1970, for some centuries
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
RECORDED = b"HTTP/1.1 200"


@dataclass(frozen=True)
class Place:
    """Where to post; `trust` is None for plain HTTP."""

    address: str
    port: int
    trust: ssl.SSLContext | None = None


@dataclass
class Waits:
    """Seconds from when each vote was due to its answer, and how many were not answered with 200."""

    seconds: list[float] = field(default_factory=list)
    refused: int = 0
    lasted: float = 0.0  # seconds from when the first vote was due to the last answer

    @property
    def per_second(self) -> float:
        """Return the rate at which votes were answered."""
        return len(self.seconds) / self.lasted


def requests_of(cookies: Sequence[str]) -> Iterator[bytes]:
    """Yield votes without end: all voters in turn, then all again, each for the other option.

    Each says, as the page's script does, when its page was served and how long after that its voter chose.
    """
    heads = [_head(cookie) for cookie in cookies]
    for choice in itertools.cycle(CHOICES):
        for head in heads:
            served = wall_milliseconds() - AFTER_MILLISECONDS
            yield b"%bserved=%d&after=%d&vote=%b" % (head, served, AFTER_MILLISECONDS, choice)


def run(
    place: Place,
    requests: Iterator[bytes],
    per_second: float,
    seconds: float,
    ending: threading.Event | None = None,
) -> Waits:
    """Post at a steady rate for so many seconds, or until told to end.

    Raises RefusedError. Collects no garbage meanwhile: whoever stops for it would blame the service.
    """
    gc.disable()
    try:
        waits = asyncio.run(_crowd(place, requests, per_second, seconds, ending))
    finally:
        gc.enable()
    if waits.refused:
        raise RefusedError(f"{place.address}: {waits.refused} of {len(waits.seconds)} votes were refused")
    return waits


async def _crowd(
    place: Place, requests: Iterator[bytes], per_second: float, seconds: float, ending: threading.Event | None
) -> Waits:
    waits = Waits()
    voters = [_Voter(requests, waits) for _ in range(CONNECTIONS)]
    await asyncio.gather(*(_connect(voter, place) for voter in voters))
    began = time.monotonic()
    due = _moments(began, per_second, seconds, ending)
    for voter in voters:
        voter.begin(due)
    await asyncio.gather(*(voter.gone for voter in voters))
    waits.lasted = time.monotonic() - began
    return waits


def _moments(
    began: float, per_second: float, seconds: float, ending: threading.Event | None
) -> Iterator[float]:
    for number in range(round(per_second * seconds)):
        if ending and ending.is_set():
            return
        yield began + number / per_second


async def _connect(voter: _Voter, place: Place) -> None:
    name = "vote.localhost" if place.trust else None
    loop = asyncio.get_running_loop()
    await loop.create_connection(
        lambda: voter, place.address, place.port, ssl=place.trust, server_hostname=name
    )


class _Voter(asyncio.Protocol):
    """One connection, which takes over the next vote that is due as soon as its last one is answered.

    A protocol and not a stream: whoever measures must cost less than what is measured.
    """

    def __init__(self, requests: Iterator[bytes], waits: Waits) -> None:
        self._requests, self._waits = requests, waits
        self._loop = asyncio.get_running_loop()
        self.gone = self._loop.create_future()
        self._moment = 0.0
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def begin(self, due: Iterator[float]) -> None:
        """Take over votes at the moments at which they are due."""
        self._due = due
        self._await_next()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if _is_whole(self._answer):
            self._waits.seconds.append(time.monotonic() - self._moment)
            self._waits.refused += not self._answer.startswith(RECORDED)
            self._answer = b""
            self._await_next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.gone.done():
            self.gone.set_exception(exc or ConnectionError("a connection ended without an answer"))

    def _await_next(self) -> None:
        moment = next(self._due, None)
        if moment is None:
            self.gone.set_result(None)
            self._transport.close()
        else:
            self._moment = moment
            self._loop.call_at(moment, self._send)

    def _send(self) -> None:
        self._transport.write(next(self._requests))


def _is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    length = LENGTH.search(head)
    return bool(end) and len(body) >= (int(length[1]) if length else 0)


def _head(cookie: str) -> bytes:
    lines = (
        "POST / HTTP/1.1",
        "Host: vote.localhost",
        "Origin: https://vote.localhost",
        "Sec-Fetch-Site: same-origin",
        "Accept: application/json",
        "Content-Type: application/x-www-form-urlencoded;charset=UTF-8",
        f"Content-Length: {len('served=&after=&vote=a') + MOMENT_DIGITS + len(str(AFTER_MILLISECONDS))}",
        f"Cookie: {cookie}",
    )
    return "\r\n".join([*lines, "", ""]).encode()
