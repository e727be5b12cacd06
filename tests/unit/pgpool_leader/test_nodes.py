"""Who leads is known without the nodes that do not answer."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kit.waiting import wait_until
from pgpool_leader.agents import GoneError, States
from pgpool_leader.leader import NodeReport
from pgpool_leader.nodes import TIMEOUT_SECONDS, Nodes
from pgpool_leader.tls import load

NAMES = ("postgres-1", "postgres-2", "postgres-3")
LEADER = {"leader": "postgres-2", "open": False}


@pytest.fixture
def silent() -> Iterator[threading.Event]:
    """Return what ends the wait for the node that does not answer."""
    answered = threading.Event()
    yield answered
    answered.set()


@pytest.fixture
def nodes(
    tls_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[str], dict[str, Any]]], Nodes]:
    def answering(answer: Callable[[str], dict[str, Any]]) -> Nodes:
        monkeypatch.setattr(States, "ask", lambda _self, node, _seconds: answer(node))
        return Nodes(NAMES, load(tls_environment))

    return answering


def test_a_node_that_does_not_answer_delays_nobody(
    nodes: Callable[[Callable[[str], dict[str, Any]]], Nodes], silent: threading.Event
) -> None:
    def answer(node: str) -> dict[str, Any]:
        if node == "postgres-1":
            silent.wait()
        return LEADER

    asked = nodes(answer)
    asked.start()
    told = NodeReport("postgres-2", open=False)
    wait_until(
        lambda: asked.reports() == {"postgres-1": None, "postgres-2": told, "postgres-3": told},
        10,
        lambda: str(asked.reports()),
    )


def test_what_a_node_said_is_dropped_when_it_is_gone(
    nodes: Callable[[Callable[[str], dict[str, Any]]], Nodes],
) -> None:
    answers = iter((LEADER, LEADER, GoneError("refused")))

    def answer(_node: str) -> dict[str, Any]:
        if isinstance(said := next(answers), Exception):
            raise said
        return said

    asked = nodes(answer)
    news = []
    for _ in range(3):
        asked.changed.clear()
        asked.ask("postgres-1")
        news.append(asked.changed.is_set())
    assert news == [True, False, True]
    assert asked.reports()["postgres-1"] is None


def test_a_node_that_needs_all_its_time_is_heard_from_one_answer_to_the_next(
    nodes: Callable[[Callable[[str], dict[str, Any]]], Nodes], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("pgpool_leader.nodes.time", clock)

    def answer(_node: str) -> dict[str, Any]:
        clock.now += TIMEOUT_SECONDS
        return LEADER

    asked = nodes(answer)
    asked.ask("postgres-1")
    clock.now += TIMEOUT_SECONDS
    assert asked.reports()["postgres-1"] == NodeReport("postgres-2", open=False)
    clock.now += TIMEOUT_SECONDS
    assert asked.reports()["postgres-1"] is None


class Clock:
    """A time that passes only when it is told to."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now
