"""Visitors who open TLS connections to every edge all the time, and trust one authority alone."""

import itertools
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Self

PAUSE_SECONDS = 0.1
ANSWER_SECONDS = 5.0

Kind = Literal["valid", "invalid", "refused"]
KINDS: tuple[Kind, ...] = ("valid", "invalid", "refused")


@dataclass(frozen=True)
class Handshake:
    """One attempt at an edge: the certificate's serial number where it was valid, else what went wrong."""

    began: float
    edge: str
    kind: Kind
    serial: str = ""
    problem: str = ""


def shake(edge: str, port: int, name: str, trust: ssl.SSLContext) -> Handshake:
    """Open a connection, look at the certificate, and close it."""
    began = time.monotonic()
    try:
        with (
            socket.create_connection((edge, port), ANSWER_SECONDS) as plain,
            trust.wrap_socket(plain, server_hostname=name) as secured,
        ):
            shown = secured.getpeercert() or {}
            return Handshake(began, edge, "valid", serial=str(shown["serialNumber"]))
    except ssl.SSLCertVerificationError as error:
        return Handshake(began, edge, "invalid", problem=str(error))
    except OSError as error:  # also where the edge ends the handshake without a certificate
        return Handshake(began, edge, "refused", problem=str(error))


class Visitors:
    """One for each edge, who asks for each name in turn; a context manager."""

    def __init__(self, edges: Sequence[str], port: int, names: Sequence[str], trust: ssl.SSLContext) -> None:
        self.edges = edges
        self._made: dict[str, list[Handshake]] = {edge: [] for edge in edges}
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._visit, args=(edge, port, names, trust), daemon=True)
            for edge in edges
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _visit(self, edge: str, port: int, names: Sequence[str], trust: ssl.SSLContext) -> None:
        for name in itertools.cycle(names):
            if self._over.wait(PAUSE_SECONDS):
                return
            self._made[edge].append(shake(edge, port, name, trust))

    def at(self, edge: str, since: float = 0, until: float = float("inf")) -> list[Handshake]:
        """Return the handshakes with an edge that began in a time."""
        return [one for one in tuple(self._made[edge]) if since <= one.began < until]

    def first_valid(self, edge: str, since: float = 0) -> float | None:
        """Return when an edge first showed a valid certificate."""
        return next((one.began for one in self.at(edge, since) if one.kind == "valid"), None)

    def shown(self, edges: Iterable[str], since: float = 0) -> str | None:
        """Return the number of the one certificate that all of these edges show; None if they differ."""
        newest = {made[-1].serial if (made := self.at(edge, since)) else "" for edge in edges}
        return (newest.pop() or None) if len(newest) == 1 else None

    def serials(self) -> set[str]:
        """Return the serial number of every valid certificate that was ever shown."""
        return {one.serial for edge in self.edges for one in self.at(edge) if one.kind == "valid"}


def counted(handshakes: Iterable[Handshake]) -> str:
    """Write how many were valid, invalid and refused."""
    counts = Counter(one.kind for one in handshakes)
    return "/".join(str(counts[kind]) for kind in KINDS)
