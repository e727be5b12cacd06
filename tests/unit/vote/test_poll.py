from __future__ import annotations

import re
import threading
from typing import Any

import pytest
from flask.testing import FlaskClient
from redis.exceptions import ResponseError

from unit.vote.test_views import pressed
from unit.vote.test_writer import Primary, started
from vote.ballot import Ballot
from vote.poll import FIRST, UNKNOWN, Poll, drains, is_maintained, later, read_poll
from vote.queue import NotTakenError
from vote.settings import Settings

CLOSES = 1_798_142_400_000  # 2026-12-24T20:00Z


@pytest.mark.parametrize(
    ("reply", "poll", "shut"),
    [
        ([b"open", 4, 2, 0, CLOSES, 1], Poll(2, False, CLOSES, 4), (False, False)),
        ([b"draining", 5, 3, 1, 0, 1], Poll(3, True, 0, 5), (True, False)),
        ([b"maintenance", 5, 3, 0, 0, 1], Poll(3, False, 0, 5), (False, True)),
        (ResponseError("unknown command"), FIRST, (False, False)),
    ],
)
def test_what_the_primary_says(reply: Any, poll: Poll, shut: tuple[bool, bool]) -> None:
    assert read_poll(reply) == poll
    assert (drains(reply), is_maintained(reply)) == shut


def test_a_page_says_when_voting_ends_and_that_it_has_ended(client: FlaskClient, queue: Any) -> None:
    assert "Voting ends" not in client.get("/").text
    queue.poll = Poll(1, False, CLOSES)
    page = client.get("/").text
    assert '<time datetime="2026-12-24T20:00:00Z">2026-12-24 20:00 UTC</time>' in page
    client.post("/", data={"vote": "a"})
    queue.poll = Poll(1, True, CLOSES)
    page = client.get("/").text
    assert "Voting has ended." in page
    assert "Your vote for Cats is recorded" in page
    assert len(re.findall("<button[^>]* disabled", page)) == 2


@pytest.mark.parametrize(
    ("known", "said", "believed"),
    [
        (UNKNOWN, FIRST, FIRST),
        (FIRST, Poll(2, revision=3), Poll(2, revision=3)),
        (Poll(2, revision=3), FIRST, Poll(2, revision=3)),
        (Poll(2, True, revision=3), Poll(2, False, revision=2), Poll(2, True, revision=3)),
        (Poll(1, False, revision=3), Poll(1, True, revision=3), Poll(1, True, revision=3)),  # by the clock
    ],
)
def test_a_queue_that_has_lost_its_word_leads_nobody_back(known: Poll, said: Poll, believed: Poll) -> None:
    assert later(known, said) == believed


def test_a_vote_that_may_be_recorded_is_not_called_so_at_the_end(client: FlaskClient, queue: Any) -> None:
    """It was under way when the poll ended."""
    queue.away = True
    queue.poll = Poll(1, True)
    answer = client.post("/", data={"vote": "a"})
    assert answer.status_code == 503
    assert "Your vote was NOT recorded." in answer.text
    assert "Cats is recorded" not in answer.text


def test_a_replica_that_has_not_asked_yet_serves_pages_that_vote_in_any_poll(
    client: FlaskClient, queue: Any
) -> None:
    """It cannot reach the queue yet; the vote then goes to a replica that can."""
    queue.poll = UNKNOWN
    assert 'name="poll" value=""' in client.get("/").text
    queue.poll = Poll(3)
    client.get("/")
    assert client.post("/", data={"vote": "a", "served": "1", "after": "1", "poll": ""}).status_code == 200


def test_a_page_of_a_release_that_knew_one_poll_is_of_the_first(client: FlaskClient, queue: Any) -> None:
    form = {"vote": "a", "served": "1", "after": "1"}
    client.get("/")
    assert client.post("/", data=form).status_code == 200
    queue.poll = Poll(2)
    assert client.post("/", data=form).status_code == 409


def test_a_vote_that_comes_too_late_is_refused(client: FlaskClient, queue: Any) -> None:
    queue.poll = Poll(1, True)
    answer = client.post("/", data={"vote": "a"})
    assert answer.status_code == 403
    assert "The vote is closed" in answer.text
    assert queue.ballots == []


def test_what_was_chosen_in_a_poll_before_is_no_choice_in_this_one(client: FlaskClient, queue: Any) -> None:
    client.post("/", data={"vote": "a"})
    queue.poll = Poll(2)
    assert pressed(client.get("/").text) == []
    assert pressed(client.post("/", data={"vote": "b"}).text) == ["b"]
    assert pressed(client.get("/").text) == ["b"]
    assert [ballot.poll for ballot in queue.ballots] == [1, 2]
    assert queue.ballots[0].voter == queue.ballots[1].voter


@pytest.mark.parametrize(
    ("of_page", "code"),
    [("1", 409), ("2", 200), ("3", 503), ("", 200), ("x", 200), ("0", 200), ("9" * 99, 200)],
)
def test_a_page_of_another_poll_does_not_vote_in_this_one(
    client: FlaskClient, queue: Any, of_page: str, code: int
) -> None:
    """A page of a later poll comes from a replica that knows more: it tries again."""
    queue.poll = Poll(2)
    answer = client.post("/", data={"vote": "a", "poll": of_page})
    assert answer.status_code == code
    assert len(queue.ballots) == (code == 200)
    if code == 409:
        assert "A new vote has begun" in answer.text


def test_a_page_sends_the_number_of_its_poll(client: FlaskClient, queue: Any) -> None:
    queue.poll = Poll(7)
    assert 'name="poll" value="7"' in client.get("/").text


def test_a_vote_from_before_a_new_poll_is_not_taken_for_settled(client: FlaskClient, queue: Any) -> None:
    """Its page tries again; the voter had voted in the poll before, later by the clock."""
    client.post("/", data={"vote": "a"})
    queue.poll = Poll(2)
    client.post("/", data={"vote": "b", "served": "1", "after": "1", "again": "1", "poll": "2"})
    assert [(ballot.choice, ballot.poll) for ballot in queue.ballots] == [("a", 1), ("b", 2)]


def test_votes_for_another_poll_are_not_sent_with_those_for_this_one(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    primary = Primary()
    primary.present = Poll(2)
    queue = started(primary, settings, monkeypatch)
    queue.publish(Ballot("w", "a", 1, 2))
    with pytest.raises(NotTakenError, match="other"):
        queue.publish(Ballot("v", "a", 1, 1))
    assert {ballot.poll for ballot in primary.appended} == {2}


def test_a_writer_looks_at_once_where_the_queue_knows_another_poll(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    primary = Primary(intake="other")
    monkeypatch.setattr("vote.replay.POLL_SECONDS", 60)
    queue = started(primary, settings, monkeypatch)
    seen = threading.Event()

    def asked() -> Poll:
        seen.set()
        return Poll(2)

    monkeypatch.setattr(primary, "present_poll", asked)
    with pytest.raises(NotTakenError, match="other"):
        queue.publish(Ballot("v", "a", 1))
    assert seen.wait(5)
