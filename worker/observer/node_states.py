"""How the agents of the database nodes are asked, and how it is known that it is they who answer."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from typing import Any

TLS_PORT, PLAIN_PORT = 8443, 8008
SECONDS = 1.5


@dataclass(frozen=True)
class Trust:
    """Whose certificates are taken, and whether an agent that has none is asked all the same."""

    context: ssl.SSLContext
    demanded: bool


def state(node: str, trust: Trust) -> Callable[[], Any]:
    """Ask the agent of a node for its state."""

    def ask() -> Any:
        deadline = time.monotonic() + SECONDS
        try:
            return _ask(HTTPSConnection(node, TLS_PORT, timeout=SECONDS, context=trust.context))
        except (ConnectionRefusedError, ssl.SSLCertVerificationError):
            left = deadline - time.monotonic()
            if trust.demanded or left <= 0:
                raise
        return _ask(HTTPConnection(node, PLAIN_PORT, timeout=left))

    return ask


def _ask(connection: HTTPConnection) -> Any:
    try:
        connection.request("GET", "/state")
        return json.load(connection.getresponse())
    finally:
        connection.close()
