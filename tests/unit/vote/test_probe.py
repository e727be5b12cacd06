"""Test votes: taken from the prober alone, apart from all votes, and never one of them."""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import REGISTRY
from redis.exceptions import ResponseError

from unit.vote.test_connection import FIELDS, Wire
from vote import create_app
from vote.ballot import Ballot, probe_entries
from vote.connection import QueueConnection
from vote.primary import NotAcceptingError
from vote.probe import Probe
from vote.queue import NotTakenError
from vote.settings import Settings
from vote.writer import _Pending, apart

ID = "0123456789abcdef" * 2
KEY = "hush"
SIGNED = f"{ID}.{hmac.digest(KEY.encode(), ID.encode(), 'sha256').hex()}"


@pytest.fixture
def client(settings: Settings, queue: Any) -> FlaskClient:
    app: Flask = create_app(replace(settings, probe_keys=(KEY,)), queue)
    return app.test_client()


def counted() -> float:
    found = [m for m in REGISTRY.collect() if m.name == "vote_app_votes"]
    return sum(s.value for m in found for s in m.samples if s.labels.get("outcome") != "invalid")


def test_it_is_appended_as_itself_and_its_sender_gets_no_cookie(client: FlaskClient, queue: Any) -> None:
    before = counted()
    answer = client.post("/", data={"probe": SIGNED})
    assert (answer.status_code, answer.json) == (200, {"outcome": "accepted"})
    assert "Set-Cookie" not in answer.headers
    assert (queue.probes, queue.ballots) == ([Probe(ID)], [])
    assert counted() == before


@pytest.mark.parametrize(
    ("intake", "away", "outcome"),
    [
        ("closed", False, "closed"),
        ("draining", False, "paused"),
        ("maintenance", False, "paused"),
        ("other", False, "paused"),
        ("unsupported", False, "unsupported"),
        ("open", True, "not_recorded"),
    ],
)
def test_its_sender_is_told_why_it_was_not_taken(
    client: FlaskClient, queue: Any, intake: str, away: bool, outcome: str
) -> None:
    queue.intake, queue.away = intake, away
    answer = client.post("/", data={"probe": SIGNED})
    assert (answer.status_code, answer.json) == (503, {"outcome": outcome})


@pytest.mark.parametrize("probe", ["", ID, f"{ID}.{'0' * 64}", SIGNED.replace("0", "1", 1), "x" * 3000])
@pytest.mark.parametrize("vote", [{}, {"vote": "a"}])
def test_a_stranger_s_is_neither_taken_nor_a_vote(
    client: FlaskClient, queue: Any, probe: str, vote: dict[str, str]
) -> None:
    assert client.post("/", data={"probe": probe, **vote}).status_code == 400
    assert (queue.probes, queue.ballots) == ([], [])


def test_another_site_cannot_send_one(client: FlaskClient, queue: Any) -> None:
    answer = client.post("/", data={"probe": SIGNED}, headers={"Origin": "https://evil.example"})
    assert (answer.status_code, queue.probes) == (403, [])


def test_without_a_key_none_is_taken(app: Flask, queue: Any) -> None:
    assert app.test_client().post("/", data={"probe": SIGNED}).status_code == 400
    assert queue.probes == []


@pytest.mark.parametrize(
    ("poll", "entry"),
    [
        (1, ("votes", "[]", "probe", ID)),
        (3, ("votes", "[]", "poll", "3", "probe", ID)),
    ],
)
def test_in_the_queue_it_is_an_entry_without_votes(poll: int, entry: tuple[str, ...]) -> None:
    assert [*probe_entries([Probe(ID, poll)])] == [entry]


def test_votes_never_share_what_is_sent_with_one() -> None:
    first, probe, second = (_Pending(each) for each in (Ballot("v", "a", 1), Probe(ID), Ballot("w", "a", 2)))
    assert apart([first, probe, second]) == [[first, second], [probe]]
    assert apart([first]) == [[first]]
    assert apart([probe]) == [[probe]]


def test_it_is_confirmed_by_a_replica_as_a_vote_is() -> None:
    wire = Wire(b"1-0", 0)
    wire.replies[1] = [*FIELDS, b"probe"]
    with pytest.raises(NotAcceptingError, match="no replica"):
        QueueConnection(wire, "10.0.0.1").append_probes([Probe(ID)])
    assert [command[0] for command in wire.sent[2:]] == ["VOTES.APPEND", "WAIT"]


def test_to_a_redis_of_the_release_before_nothing_is_sent() -> None:
    wire = Wire()
    wire.replies[1] = ResponseError("unknown command 'VOTES.FIELDS'")
    with pytest.raises(NotTakenError, match="unsupported"):
        QueueConnection(wire, "10.0.0.1").append_probes([Probe(ID)])
    assert len(wire.sent) == 2
