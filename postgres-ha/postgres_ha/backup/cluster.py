"""The database as the runner sees it, by the agents of its nodes."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

from postgres_ha.agents import GoneError, States
from postgres_ha.backup.store import Settings
from postgres_ha.peers import AgentError, Client

SECONDS = 2.0


@dataclass(frozen=True)
class Cluster:
    """The timeline of the primary, None without one, and for how many seconds its oldest WAL has waited.

    `given_up` is when a node last gave up WAL that could not be stored, in seconds since 1970. `system` is
    the database's system identifier, empty without a primary.
    """

    timeline: int | None = None
    waiting_seconds: float = 0.0
    given_up: float | None = None
    system: str = ""


class Agents:
    """Ask the agents, and tell them what the runner does: their answers are what everybody sees."""

    def __init__(self, settings: Settings) -> None:
        self._nodes = settings.nodes
        self._states = States(settings.tls)
        self._client = Client(settings.tls, settings.agent_token)

    def look(self) -> Cluster:
        """Return what the one open primary says."""
        found = primary_of(self.states())
        return cluster_of(found) if found else Cluster()

    def states(self) -> list[dict[str, Any]]:
        """Return what every node says that answers."""
        return [state for node in self._nodes if (state := self._ask(node))]

    def tell(self, report: dict[str, Any]) -> None:
        """Say to every node what the runner does; one that is away learns it later."""
        for node in self._nodes:
            with suppress(AgentError):  # everybody sees how old its last word is
                self._client.post(node, "/backup", report, SECONDS)

    def _ask(self, node: str) -> dict[str, Any] | None:
        try:
            found = self._states.ask(node, SECONDS)
        except (GoneError, OSError, HTTPException, ValueError):
            return None
        return found if isinstance(found, dict) else None


def primary_of(states: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the state of the primary that can acknowledge commits, None without one.

    For a moment after a partition two are open: that of the newest epoch can acknowledge.
    """
    found = [state for state in states if state.get("open")]
    return max(found, key=lambda state: int(state["epoch"])) if found else None


def cluster_of(state: dict[str, Any]) -> Cluster:
    """Return what an open primary's state means for backups."""
    archive = state.get("archive") or {}
    return Cluster(
        timeline=int(state["timelines"][-1][0]),
        waiting_seconds=float(archive.get("oldest_seconds") or 0),
        given_up=archive.get("given_up"),
        system=str(state.get("system") or ""),
    )
