import threading
import time
from typing import Any

import pytest

from postgres_ha.peers import AgentError, Client, NotEnoughError, Peers

NAMES = ("postgres-2", "postgres-3")


@pytest.fixture
def peers() -> Peers:
    return Peers(NAMES, "token")


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
