import threading
import time
from typing import Any

import pytest

from postgres_ha.agents import GoneError, States
from postgres_ha.peers import AgentError, Client, NotEnoughError, Peers
from postgres_ha.state import Data, NodeState, Role
from postgres_ha.tls import load

NAMES = ("postgres-2", "postgres-3")


@pytest.fixture
def peers(tls_environment: dict[str, str]) -> Peers:
    return Peers(NAMES, Client(load(tls_environment), "token"))


def answering(monkeypatch: pytest.MonkeyPatch, refusals: dict[str, str]) -> None:
    def post(self: Client, host: str, path: str, body: dict[str, Any], timeout: float) -> None:
        if host in refusals:
            raise AgentError(refusals[host])

    monkeypatch.setattr(Client, "post", post)


def test_one_of_two_is_enough(peers: Peers, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, {"postgres-2": "busy"})
    peers.ask("/ballot", {}, 1, enough=1)


def test_too_few_say_why(peers: Peers, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, {"postgres-2": "busy", "postgres-3": "newer"})
    with pytest.raises(NotEnoughError, match=r"busy.*newer|newer.*busy"):
        peers.ask("/ballot", {}, 1, enough=1)


def test_a_frozen_peer_does_not_delay_a_majority(peers: Peers, monkeypatch: pytest.MonkeyPatch) -> None:
    thaw = threading.Event()

    def post(self: Client, host: str, path: str, body: dict[str, Any], timeout: float) -> None:
        if host == "postgres-2":
            thaw.wait(10)

    monkeypatch.setattr(Client, "post", post)
    started = time.monotonic()
    peers.ask("/ballot", {}, 10, enough=1)
    thaw.set()
    assert time.monotonic() - started < 5


def test_a_peer_never_heard_is_unknown_and_leads_nothing(peers: Peers) -> None:
    assert peers.states() == {"postgres-2": None, "postgres-3": None}
    assert peers.living_primary() is None
    assert not peers.leads("postgres-2")


PRIMARY = NodeState("postgres-2", role=Role.PRIMARY, data=Data.USABLE, open=True)
STANDBY = NodeState("postgres-2", role=Role.STANDBY, data=Data.USABLE)


@pytest.fixture
def led(peers: Peers, monkeypatch: pytest.MonkeyPatch) -> Peers:
    """Return peers of which one has just said that it is an open primary."""
    poll(peers, PRIMARY, monkeypatch)
    return peers


def poll(peers: Peers, answer: NodeState | Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(self: States, node: str, seconds: float) -> dict[str, Any]:
        if isinstance(answer, Exception):
            raise answer
        return answer.to_json()

    monkeypatch.setattr(States, "ask", ask)
    peers.poll(PRIMARY.node)


def test_a_primary_that_goes_on_answering_lives(led: Peers) -> None:
    later = threading.Timer(0.2, led.poll, ["postgres-2"])
    later.start()
    assert led.living_primary() == "postgres-2"
    later.join()


def test_what_a_primary_said_before_its_death_is_forgotten_within_one_question(led: Peers) -> None:
    assert led.heard_primary() == "postgres-2"
    assert led.living_primary() is None
    assert led.heard_primary() is None


def test_a_primary_that_says_farewell_is_forgotten_at_once(led: Peers) -> None:
    led.forget("postgres-2")
    assert led.living_primary() is None


@pytest.mark.parametrize(
    ("last", "then", "mourned"),
    [
        (PRIMARY, GoneError("refused"), ["postgres-2"]),
        (PRIMARY, TimeoutError("silent"), []),
        (PRIMARY, ConnectionRefusedError("while it starts"), []),
        (STANDBY, GoneError("refused"), []),
    ],
)
def test_only_a_primary_that_is_certainly_gone_is_mourned(
    tls_environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    last: NodeState,
    then: Exception,
    mourned: list[str],
) -> None:
    told: list[str] = []
    peers = Peers(NAMES, Client(load(tls_environment), "token"), told.append)
    poll(peers, last, monkeypatch)
    poll(peers, then, monkeypatch)
    poll(peers, then, monkeypatch)
    assert told == mourned
    assert (peers.states()[last.node] is None) is isinstance(then, GoneError)


def test_a_primary_of_long_ago_is_not_mourned(
    tls_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    peers = Peers(NAMES, Client(load(tls_environment), "token"), told.append)
    poll(peers, PRIMARY, monkeypatch)
    monkeypatch.setattr("postgres_ha.peers.FRESH_SECONDS", 0.0)
    poll(peers, GoneError("refused"), monkeypatch)
    assert told == []


def test_peers_are_asked_at_once_and_more_often_when_that_matters(
    peers: Peers, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = threading.Semaphore(0)

    def ask(self: States, node: str, seconds: float) -> dict[str, Any]:
        asked.release()
        return STANDBY.to_json()

    monkeypatch.setattr(States, "ask", ask)
    monkeypatch.setattr("postgres_ha.peers.POLL_SECONDS", 60)
    peers.start()
    for _ in NAMES:
        assert asked.acquire(timeout=10)
    peers.hasten(30)
    for _ in range(5 * len(NAMES)):
        assert asked.acquire(timeout=10)
