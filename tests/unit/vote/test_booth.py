"""Votes as clients of every kind send them."""

from __future__ import annotations

import io
import re
import socket
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from structlog.testing import CapturingLogger

from vote import create_app, form
from vote.ballot import wall_milliseconds
from vote.options import parse_options
from vote.settings import Settings
from vote.voter import Voter

URLENCODED = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("body", "kind", "status", "choices"),
    [
        (b"vote=a", URLENCODED, 200, ["a"]),
        (b"vote=a", f"{URLENCODED}; charset=utf-8", 200, ["a"]),
        (b"vote=b&vote=a", URLENCODED, 200, ["b"]),
        (b"vote=&vote=a", URLENCODED, 400, []),
        (b"vote=%61", URLENCODED, 200, ["a"]),
        (b"", URLENCODED, 400, []),
        (b"vote=a", "text/plain", 400, []),
        (b"--x\r\nContent-Disposition: form-data; name=vote\r\n\r\na\r\n--x--\r\n",
         "multipart/form-data; boundary=x", 200, ["a"]),
        (b"vote=a&" + b"x" * 5000, URLENCODED, 413, []),
        (b"vote=a&" + b"x" * 5000, f"{URLENCODED}; charset=utf-8", 413, []),
    ],
)  # fmt: skip
def test_bodies(
    client: FlaskClient, queue: Any, body: bytes, kind: str, status: int, choices: list[str]
) -> None:
    assert client.post("/", data=body, content_type=kind).status_code == status
    assert [ballot.choice for ballot in queue.ballots] == choices


@pytest.mark.parametrize("kind", [URLENCODED, f"{URLENCODED};charset=UTF-8", f"{URLENCODED.title()} ; x=y"])
def test_a_form_that_browsers_or_their_scripts_send_is_read_without_werkzeug(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.delattr(form, "Request")
    body = b"served=1&after=2&vote=a"
    sent = {"CONTENT_TYPE": kind, "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}
    assert form.read(sent) == {"served": "1", "after": "2", "vote": "a"}


def test_a_body_that_ends_too_early_is_refused(client: FlaskClient, queue: Any) -> None:
    environ = {"CONTENT_LENGTH": "10", "wsgi.input": io.BytesIO(b"vote=a")}
    answer = client.post("/", content_type=URLENCODED, environ_overrides=environ)
    assert answer.status_code == 400
    assert not queue.ballots


def test_a_body_in_chunks_is_read(client: FlaskClient, queue: Any) -> None:
    environ = {"CONTENT_LENGTH": "", "wsgi.input": io.BytesIO(b"vote=a"), "wsgi.input_terminated": True}
    answer = client.post("/", content_type=URLENCODED, environ_overrides=environ)
    assert answer.status_code == 200
    assert queue.ballots


def test_slashes_are_one_slash(client: FlaskClient) -> None:
    assert client.post("//", data={"vote": "a"}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"), [("POST", "/other", 404), ("PUT", "/", 405), ("OPTIONS", "/", 200)]
)
def test_the_rest_is_not_the_booths(client: FlaskClient, method: str, path: str, status: int) -> None:
    assert client.open(path, method=method).status_code == status


def test_the_pages_script_is_told_what_happened(client: FlaskClient, queue: Any) -> None:
    answer: Any = client.post("/", data={"vote": "b"}, headers={"Accept": "application/json"})
    assert answer.mimetype == "application/json"
    assert answer.json | {"served": 0} == {
        "choice": "b", "name": "Dogs", "recorded": True, "served": 0, "container": socket.gethostname(),
    }  # fmt: skip
    assert abs(answer.json["served"] - wall_milliseconds()) < 60_000
    assert "Set-Cookie" in answer.headers


def test_the_pages_script_is_told_what_did_not(client: FlaskClient, queue: Any) -> None:
    queue.away = True
    answer: Any = client.post("/", data={"vote": "b"}, headers={"Accept": "application/json"})
    assert answer.status_code == 503
    assert answer.json["recorded"] is False


def test_an_answer_that_a_vote_is_not_recorded_is_found_in_the_log(
    client: FlaskClient, queue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = CapturingLogger()
    monkeypatch.setattr("vote.booth.log", written)
    assert "X-Request-Id" not in client.post("/", data={"vote": "b"}).headers
    assert written.calls == []  # nothing is written for a vote that is taken
    queue.away = True
    answers = [client.post("/", data={"vote": "b"}) for _ in range(2)]
    told = [line.kwargs["request"] for line in written.calls if line.args == ("vote not recorded",)]
    assert told == [answer.headers["X-Request-Id"] for answer in answers]
    assert len(set(told)) == 2


def test_a_vote_sent_again_from_its_page_is_the_same_vote(client: FlaskClient, queue: Any) -> None:
    """The script sends it again when no answer came; what was recorded then must not become a newer vote."""
    client.get("/")
    told = {"vote": "a", "served": str(wall_milliseconds()), "after": "7"}
    before = client.get_cookie("voter_id")
    assert before
    for _ in range(2):
        client.set_cookie("voter_id", before.value)
        client.post("/", data=told)
    first, second = queue.ballots
    assert first == second


@pytest.mark.parametrize(
    ("after", "taken", "shown"),
    [(20_000, ["c"], "c"), (25_000, ["c"], "c"), (26_000, ["c", "b"], "b")],
)
def test_a_page_that_goes_on_trying_does_not_undo_what_was_chosen_after_it(
    settings: Settings, queue: Any, after: int, taken: list[str], shown: str
) -> None:
    """In another tab, whose vote was recorded meanwhile."""
    client = create_app(replace(settings, options=parse_options("x,y,z", "", "")), queue).test_client()
    client.get("/")
    served = wall_milliseconds() - 30_000
    client.post("/", data={"vote": "c", "served": str(served), "after": "25000"})
    body = {"vote": "b", "served": str(served), "after": str(after), "again": "1"}
    answer: Any = client.post("/", data=body, headers={"Accept": "application/json"})
    assert answer.json["choice"] == shown
    assert [ballot.choice for ballot in queue.ballots] == taken


AHEAD_MS = 3_600_000


def with_seen(app: Flask, seen: int) -> FlaskClient:
    """Return a browser whose voter has seen a vote of that version recorded."""
    client = app.test_client()
    ((_, cookie),) = app.extensions["cookie"].headers(Voter("0" * 32, seen), {})
    client.set_cookie("voter_id", cookie.partition(";")[0].partition("=")[2])
    return client


def served_to(client: FlaskClient) -> int:
    """Return the moment at which a page says that it was served."""
    found = re.search(r'name="served" value="(\d+)"', client.get("/").text)
    assert found
    return int(found[1])


@pytest.mark.parametrize("ahead", [0, 1_000, AHEAD_MS])
def test_what_is_chosen_on_a_page_is_newer_than_what_its_voter_had_seen_when_it_was_served(
    app: Flask, queue: Any, ahead: int
) -> None:
    """The cookie can be ahead of the clock. The first attempt did not arrive."""
    client = with_seen(app, wall_milliseconds() + ahead)
    served = served_to(client)
    for choice in ("b", "a"):
        told = {"vote": choice, "served": str(served), "after": "0", "again": "1"}
        answer: Any = client.post("/", data=told, headers={"Accept": "application/json"})
        assert answer.json["choice"] == choice
        served = answer.json["served"]
    assert [ballot.choice for ballot in queue.ballots] == ["b", "a"]


def test_a_page_that_tells_of_a_vote_not_recorded_is_newer_than_what_was_seen(app: Flask, queue: Any) -> None:
    seen = wall_milliseconds() + AHEAD_MS
    client = with_seen(app, seen)
    queue.away = True
    answer: Any = client.post("/", data={"vote": "b"}, headers={"Accept": "application/json"})
    assert answer.json["served"] > seen


@pytest.mark.parametrize(
    ("cookie", "told", "status", "taken"),
    [
        ("", {"served": "1", "after": "7"}, 400, 0),
        ("", {"served": "1", "after": "7", "again": "1"}, 400, 0),
        ("", {"served": "1", "after": ""}, 200, 1),
        ("", {}, 200, 1),
        ("voter_id=forged", {"served": "1", "after": "7"}, 200, 1),
    ],
    ids=["script", "script, again", "form without a script", "by hand", "cookie of another key"],
)
def test_a_script_whose_cookie_is_gone_does_not_vote_as_somebody_new_each_time(
    app: Flask, queue: Any, cookie: str, told: dict[str, str], status: int, taken: int
) -> None:
    client = app.test_client(use_cookies=False)
    sent = {"Accept": "application/json", "Cookie": cookie}
    assert client.post("/", data={"vote": "a", **told}, headers=sent).status_code == status
    assert len(queue.ballots) == taken


def test_who_reads_why_a_vote_without_its_cookie_is_refused_knows_what_to_do(client: FlaskClient) -> None:
    page = client.post("/", data={"vote": "a", "served": "1", "after": "7"}).text
    assert "Please load the page again" in page
    assert "Nothing was recorded." in page


def test_a_voter_who_has_hung_up_has_not_voted(app: Flask, queue: Any) -> None:
    ours, voters = socket.socketpair()
    voters.close()
    with ours:
        answer = app.test_client().post("/", data={"vote": "a"}, environ_overrides={"gunicorn.socket": ours})
    assert answer.status_code == 400
    assert not queue.ballots


def test_a_new_voter_who_was_refused_keeps_the_id(client: FlaskClient, queue: Any) -> None:
    """The next try is then the same voter's, and the vote that may have arrived is not counted twice."""
    queue.away = True
    answer = client.post("/", data={"vote": "a"})
    assert answer.status_code == 503
    assert re.match(r"voter_id=[0-9a-f]{32}\.[^.;]+;", answer.headers["Set-Cookie"])
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in client.post("/", data={"vote": "a"}).headers


@pytest.mark.parametrize(
    ("intake", "code", "sentence"),
    [
        ("closed", 403, "The vote is closed"),
        ("draining", 503, "Your vote was NOT recorded"),
        ("maintenance", 503, "Your vote was NOT recorded"),
    ],
)
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_while_no_votes_are_taken_a_page_says_so(
    client: FlaskClient, queue: Any, intake: str, code: int, sentence: str, accept: str
) -> None:
    queue.intake = intake
    answer = client.post("/", data={"vote": "a"}, headers={"Accept": accept})
    assert answer.status_code == code
    assert sentence in answer.text
    assert ("Retry-After" in answer.headers) == (code == 503)
    assert "Set-Cookie" not in answer.headers
    assert ("Vote-Intake" in answer.headers) == (intake == "maintenance")
