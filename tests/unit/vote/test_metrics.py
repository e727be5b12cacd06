"""What becomes of a vote is counted, each once."""

from __future__ import annotations

import io
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from flask.testing import FlaskClient
from prometheus_client import REGISTRY
from werkzeug.exceptions import (
    BadRequest,
    ClientDisconnected,
    Conflict,
    Forbidden,
    RequestEntityTooLarge,
    ServiceUnavailable,
    TooManyRequests,
)

from vote import metrics
from vote.account import Accounts
from vote.ballot import Ballot
from vote.ledger import Ledger
from vote.metrics import OUTCOMES, outcome_of
from vote.poll import Poll
from vote.primary import Identity
from vote.replay import Replayer
from vote.settings import Settings
from vote.writer import Writer


def value(name: str, **labels: str) -> float:
    found = REGISTRY.get_sample_value(f"vote_app_{name}", labels)
    assert found is not None, name
    return found


def counted() -> dict[str, float]:
    """Return how many votes there were of each outcome, without those of which there was none."""
    counts = {outcome: value("votes_total", outcome=outcome) for outcome in OUTCOMES}
    return {outcome: count for outcome, count in counts.items() if count}


@pytest.fixture(autouse=True)
def _from_zero() -> None:
    metrics.VOTES.clear()
    metrics.VOTES_BY.update({outcome: metrics.VOTES.labels(outcome) for outcome in OUTCOMES})


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Forbidden("intake_closed"), "closed"),
        (ServiceUnavailable("intake_paused"), "paused"),
        (Conflict("other_poll"), "other_poll"),
        (TooManyRequests("too_many_new_voters"), "too_many"),
        (Forbidden("other_site"), "invalid"),
        (BadRequest("no_such_option"), "invalid"),
        (RequestEntityTooLarge(), "invalid"),
        (ClientDisconnected(), "invalid"),
        (KeyError("a mistake of ours"), "not_recorded"),
    ],
)
def test_every_error_has_an_outcome(error: Exception, outcome: str) -> None:
    assert outcome_of(error) == outcome


def away(queue: Any) -> None:
    queue.away = True


def closed(queue: Any) -> None:
    queue.poll = Poll(1, over=True)


def paused(queue: Any) -> None:
    queue.intake = "draining"


def newer(queue: Any) -> None:
    queue.poll = Poll(2)


@pytest.mark.parametrize(
    ("now", "fields", "outcome"),
    [
        (lambda _: None, {"vote": "a"}, "accepted"),
        (lambda _: None, {"vote": "z"}, "invalid"),
        (lambda _: None, {}, "invalid"),
        (away, {"vote": "a"}, "not_recorded"),
        (closed, {"vote": "a"}, "closed"),
        (paused, {"vote": "a"}, "paused"),
        (newer, {"vote": "a", "poll": "1"}, "other_poll"),
        (newer, {"vote": "a", "poll": "3"}, "paused"),
    ],
)
def test_a_vote_is_counted_by_what_its_voter_was_told(
    client: FlaskClient, queue: Any, now: Callable[[Any], None], fields: dict[str, str], outcome: str
) -> None:
    now(queue)
    before = value("vote_acknowledge_seconds_count")
    client.post("/", data=fields)
    assert counted() == {outcome: 1}
    assert value("vote_acknowledge_seconds_count") - before == (outcome == "accepted")


def test_whoever_only_looks_or_asks_elsewhere_is_no_vote(client: FlaskClient) -> None:
    client.get("/")
    client.post("/elsewhere", data={"vote": "a"})
    assert counted() == {}


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
@pytest.mark.parametrize("error", [ConnectionResetError, TimeoutError])
def test_who_leaves_in_the_middle_of_a_vote_is_no_fault_of_ours(
    client: FlaskClient, error: type[OSError], kind: str
) -> None:
    """A stranger who does that on purpose must wake nobody."""

    class Broken(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, _: object) -> int:
            raise error

    environ = {"CONTENT_LENGTH": "10", "wsgi.input": Broken()}
    assert client.post("/", content_type=kind, environ_overrides=environ).status_code == 400
    assert counted() == {"invalid": 1}


def test_a_vote_that_is_asked_for_again_is_counted_once(client: FlaskClient, queue: Any) -> None:
    answer: Any = client.post("/", data={"vote": "a"}, headers={"Accept": "application/json"})
    again = {"vote": "a", "again": "", "served": str(answer.json["served"] - 9000), "after": "1"}
    assert client.post("/", data=again).status_code == 200
    assert len(queue.ballots) == 1
    assert counted() == {"accepted": 1}


def test_time_to_acknowledge_has_the_limit_of_the_objective_as_a_bucket() -> None:
    assert value("vote_acknowledge_seconds_bucket", le="1.0") >= 0


def test_votes_that_are_put_back_are_counted() -> None:
    ledger = Ledger()
    ledger.confirm([Ballot(str(number), "a", 1) for number in range(3)], Identity("a", "1"))
    connection = SimpleNamespace(
        identity=Identity("b", "2"),
        takes_numbers=False,
        draining=False,
        maintained=False,
        present_poll=lambda: Poll(1),
        replay=lambda _: None,
        close=lambda: None,
    )
    before = value("replayed_votes_total")
    replayer = Replayer(cast(Any, SimpleNamespace(open=lambda: connection)), ledger, Accounts())
    for _ in range(2):
        replayer._catch_up()
    assert value("replayed_votes_total") - before == 3


def test_a_writer_says_what_it_keeps_and_whether_it_is_ready(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vote.lifelong.start", lambda *_: None)
    writer = Writer(settings)
    writer.start()
    assert (value("ledger_votes"), value("queue_ready")) == (0, 0)
    writer._ledger.confirm([Ballot("v", "a", 1)] * 2, Identity("a", "1"))
    monkeypatch.setattr(writer._replayer, "last_success", float("inf"))
    assert (value("ledger_votes"), value("queue_ready")) == (2, 1)
