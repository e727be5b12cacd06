"""Asking the database nodes, all at once, for what they see."""

import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

from pgpool_leader import agents
from pgpool_leader.leader import Backend, NodeReport
from pgpool_leader.tls import Tls

TIMEOUT_SECONDS = 1.5


class Nodes:
    """The agents of a fixed set of nodes."""

    def __init__(self, names: tuple[str, ...], tls: Tls) -> None:
        self._names = names
        self._states = agents.States(tls)
        self._pool = ThreadPoolExecutor(len(names))

    def reports(self) -> Mapping[str, NodeReport | None]:
        """Return what each node says, None for one that does not answer in time."""
        return dict(zip(self._names, self._pool.map(self._report, self._names), strict=True))

    def _report(self, node: str) -> NodeReport | None:
        try:
            answer = self._states.ask(node, TIMEOUT_SECONDS)
            return NodeReport(leader=answer["leader"], open=answer["open"])
        except (OSError, HTTPException, ValueError, KeyError, TypeError):
            return None


def locate(node: str | None) -> Backend | None:
    """Return the backend at the node's present address, None if its name has none."""
    if node is None:
        return None
    try:
        return Backend(node, socket.gethostbyname(node))
    except OSError:
        return None
