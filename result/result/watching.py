"""How many people watch: each replica knows its own viewers and asks the other replicas for theirs."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import structlog

EVERY_SECONDS = 2.0
ANSWER_SECONDS = 1.0
LARGEST_ANSWER_BYTES = 1000

log = structlog.get_logger()


class Count(NamedTuple):
    """The viewers of one container."""

    container: str
    watching: int


Ask = Callable[[], Mapping[str, Count | None]]
"""Asks all replicas: their addresses with what each answered, None for no answer."""


def total(own: Count, others: Iterable[Count]) -> int:
    """Return the viewers of all containers, each counted once; of ourselves only we know best."""
    return sum(({each.container: each.watching for each in others} | {own.container: own.watching}).values())


def parse(answer: bytes) -> Count:
    """Return what a replica answered; raises ValueError when that is no count."""
    content = json.loads(answer)
    if not isinstance(content, dict):
        raise ValueError("not an object")
    match content.get("container"), content.get("watching"):
        case str(container), int(watching) if watching >= 0:
            return Count(container, watching)
    raise ValueError("not a count")


def ask_peers(host: str, port: int) -> dict[str, Count | None]:
    """Ask every address of the replicas' common name; an unknown name has none."""
    try:
        found = {str(a[4][0]) for a in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        return {}
    return {address: _ask(address, port) for address in sorted(found)}


def _ask(address: str, port: int) -> Count | None:
    connection = http.client.HTTPConnection(address, port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/watching")
        return parse(connection.getresponse().read(LARGEST_ANSWER_BYTES))
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


class Watching:
    """The viewers of this replica, and the last that was heard of the others'."""

    def __init__(self, ask: Ask, emit: Callable[[str, Mapping[str, object]], None]) -> None:
        self._ask = ask
        self._emit = emit
        self._viewers: set[str] = set()
        self._others: list[Count] = []
        self._silent: set[str] = set()
        self._told: int | None = None

    @property
    def own(self) -> Count:
        """The viewers of this replica."""
        return Count(socket.gethostname(), len(self._viewers))

    @property
    def count(self) -> int:
        """The viewers of all replicas."""
        return total(self.own, self._others)

    def arrive(self, viewer: str) -> None:
        """Count a viewer, by the name of the connection."""
        self._viewers.add(viewer)

    def leave(self, viewer: str) -> None:
        """Count a viewer no more, if that was not done before."""
        self._viewers.discard(viewer)

    def run(self) -> None:
        """Ask for as long as the process lives."""
        while True:
            self.turn()
            time.sleep(EVERY_SECONDS)

    def turn(self) -> None:
        """Ask once and tell viewers the count if it has changed."""
        answers = self._ask()
        self._others = [answer for answer in answers.values() if answer is not None]
        self._note_silence({address for address, answer in answers.items() if answer is None})
        if self.count != self._told:
            self._told = self.count
            self._emit("watching", {"count": self._told})

    def _note_silence(self, silent: set[str]) -> None:
        if silent != self._silent:
            self._silent = silent
            log.info("replicas that do not say how many watch", addresses=sorted(silent))
