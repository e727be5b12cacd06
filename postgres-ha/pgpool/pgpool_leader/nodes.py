"""Asking the database nodes, each by a thread of its own, for what they see."""

import socket
import threading
import time
from collections.abc import Mapping
from http.client import HTTPException

from pgpool_leader import agents
from pgpool_leader.leader import Backend, NodeReport
from pgpool_leader.tls import Tls

TIMEOUT_SECONDS = 1.5
PERIOD_SECONDS = 1.0
# Just without a leader, whatever a node says may name one.
HASTE_SECONDS = 0.15
# A node that needs all its time for each answer is heard from one to the next.
FRESH_SECONDS = 2 * TIMEOUT_SECONDS + PERIOD_SECONDS


class Nodes:
    """The agents of a fixed set of nodes; one that is silent delays nobody.

    `changed` is set when a node says something else than before; `hasty` is for a while without a leader.
    """

    def __init__(self, names: tuple[str, ...], tls: Tls) -> None:
        self._names = names
        self._states = agents.States(tls)
        self._said: dict[str, tuple[float, NodeReport | None]] = {}
        self.changed = threading.Event()
        self.hasty = True

    def start(self) -> None:
        """Begin to ask."""
        for name in self._names:
            threading.Thread(target=self._watch, args=(name,), daemon=True).start()

    def reports(self) -> Mapping[str, NodeReport | None]:
        """Return what each node says, None for one that was not heard within FRESH_SECONDS."""
        oldest = time.monotonic() - FRESH_SECONDS
        said = {name: report for name, (asked, report) in dict(self._said).items() if asked >= oldest}
        return {name: said.get(name) for name in self._names}

    def ask(self, name: str) -> None:
        """Ask a node and keep what it says."""
        asked = time.monotonic()
        report = self._report(name)
        _, before = self._said.get(name, (0.0, None))
        self._said[name] = (asked, report)
        if report != before:
            self.changed.set()

    def _watch(self, name: str) -> None:
        while True:
            asked = time.monotonic()
            self.ask(name)
            period = HASTE_SECONDS if self.hasty else PERIOD_SECONDS
            self._states.pause(name, max(0.0, asked + period - time.monotonic()))
            time.sleep(max(0.0, asked + HASTE_SECONDS - time.monotonic()))

    def _report(self, node: str) -> NodeReport | None:
        try:
            answer = self._states.ask(node, TIMEOUT_SECONDS)
            return NodeReport(leader=answer["leader"], open=answer["open"])
        except (agents.GoneError, OSError, HTTPException, ValueError, KeyError, TypeError):
            return None


def locate(node: str | None) -> Backend | None:
    """Return the backend at the node's present address, None if its name has none."""
    if node is None:
        return None
    try:
        return Backend(node, socket.gethostbyname(node))
    except OSError:
        return None
