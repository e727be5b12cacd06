"""How many new voters are let in, and that nobody else is counted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import TooManyRequests

from vote import create_app
from vote.admission import Admission, Bucket, Limit, draw
from vote.settings import Settings

LIMIT = Limit(per_second=10, burst=3)
HALL = "192.0.2.1"


@pytest.mark.parametrize(
    ("bucket", "now", "after", "wait"),
    [
        (Bucket(3, 10), 10, Bucket(2, 10), 0),
        (Bucket(3, 10), 99, Bucket(2, 99), 0),
        (Bucket(1, 10), 10, Bucket(0, 10), 0),
        (Bucket(0, 10), 10, Bucket(0, 10), 0.1),
        (Bucket(0, 10), 10.05, Bucket(0.5, 10.05), 0.05),
        (Bucket(0, 10), 10.15, Bucket(0.5, 10.15), 0),
        (Bucket(0, 10), 10.25, Bucket(1.5, 10.25), 0),
        (Bucket(0, 10), 99, Bucket(2, 99), 0),
        (Bucket(1, 10), 9, Bucket(0, 9), 0),
    ],
    ids=["full", "long full", "the last", "empty", "half", "one and a half", "two", "full again", "back"],
)
def test_a_token(bucket: Bucket, now: float, after: Bucket, wait: float) -> None:
    left, seconds = draw(bucket, now, LIMIT)
    assert left == pytest.approx(after, abs=1e-9)
    assert seconds == pytest.approx(wait, abs=1e-9)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def admitted(admission: Admission, source: str, tries: int) -> int:
    count = 0
    for _ in range(tries):
        try:
            admission.admit({"HTTP_X_FORWARDED_FOR": source})
        except TooManyRequests:
            continue
        count += 1
    return count


def test_a_hall_is_let_in_at_once_and_then_at_the_rate() -> None:
    clock = Clock()
    admission = Admission(LIMIT, now=clock)
    assert admitted(admission, HALL, 10) == 3
    clock.now += 0.25
    assert admitted(admission, HALL, 10) == 2
    assert admitted(admission, "192.0.2.2", 10) == 3
    clock.now += 3600
    assert admitted(admission, HALL, 10) == 3


def test_the_addresses_of_one_ipv6_network_count_as_one() -> None:
    admission = Admission(LIMIT, now=Clock())
    assert sum(admitted(admission, f"2001:db8::{number:x}", 1) for number in range(1, 100)) == 3


def test_without_a_limit_everybody_is_let_in() -> None:
    assert admitted(Admission(None), HALL, 100) == 100


def test_no_number_of_addresses_finds_a_hole_in_a_bounded_table() -> None:
    """Who fills the table with drawn buckets has no free way in with the next address."""
    clock = Clock()
    admission = Admission(LIMIT, most=4, now=clock)
    assert sum(admitted(admission, f"192.0.2.{number}", 10) for number in range(4)) == 4 * 3
    assert sum(admitted(admission, f"198.51.100.{number}", 10) for number in range(200)) == 3
    assert len(admission._buckets) == 4 + 1


def test_full_buckets_make_room() -> None:
    clock = Clock()
    admission = Admission(LIMIT, most=4, now=clock)
    for number in range(4):
        admitted(admission, f"192.0.2.{number}", 3)
    admitted(admission, "198.51.100.1", 1)
    clock.now += 2
    assert sum(admitted(admission, f"198.51.100.{number}", 10) for number in range(4)) == 4 * 3
    assert len(admission._buckets) == 4


@pytest.fixture
def app(settings: Settings, queue: Any) -> Flask:
    return create_app(replace(settings, new_voters_per_second=1, new_voters_burst=3), queue)


@pytest.fixture
def stranger(app: Flask) -> FlaskClient:
    return app.test_client(use_cookies=False)


@pytest.mark.parametrize("cookie", [{}, {"Cookie": "voter_id=forged"}], ids=["no cookie", "a forged one"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_who_has_no_valid_cookie_is_limited(
    stranger: FlaskClient, queue: Any, method: str, cookie: dict[str, str]
) -> None:
    form = {"vote": "a"} if method == "POST" else None
    answers = [stranger.open("/", method=method, data=form, headers=cookie) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert len(queue.ballots) == (3 if method == "POST" else 0)
    assert ["Set-Cookie" in answer.headers for answer in answers] == [True, True, True, False, False]


def test_reading_and_voting_draw_from_the_same_bucket(stranger: FlaskClient, queue: Any) -> None:
    for _ in range(2):
        stranger.get("/")
    assert [stranger.post("/", data={"vote": "a"}).status_code for _ in range(2)] == [200, 429]
    assert len(queue.ballots) == 1


def test_a_voter_with_a_cookie_is_never_limited(app: Flask, stranger: FlaskClient, queue: Any) -> None:
    voter = app.test_client()
    voter.get("/")
    assert [stranger.get("/").status_code for _ in range(3)] == [200, 200, 429]
    assert {voter.post("/", data={"vote": "b"}).status_code for _ in range(20)} == {200}
    assert {voter.get("/").status_code for _ in range(20)} == {200}
    assert len(queue.ballots) == 20


def test_a_request_that_gets_no_identity_does_not_count(stranger: FlaskClient) -> None:
    for _ in range(5):
        assert stranger.post("/", data={"vote": "zebra"}).status_code == 400
        assert stranger.get("/static/vote.js").status_code == 200
    assert stranger.get("/").status_code == 200


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Very many new voters come from your network"),
        ("en", "Nothing was recorded."),
        ("fr", "De très nombreux nouveaux votants arrivent"),
    ],
)
def test_who_is_refused_reads_why_and_when_to_come_again(
    stranger: FlaskClient, language: str, said: str
) -> None:
    for _ in range(3):
        stranger.get("/")
    answer = stranger.post("/", data={"vote": "a"}, headers={"Accept-Language": language})
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "1"
    assert said in answer.text
    assert f'<html lang="{language}"' in answer.text
    assert "<style>" in answer.text


@pytest.mark.parametrize(
    ("per_second", "burst", "replicas", "limit"),
    [
        (50, 5000, 2, Limit(25, 2500)),
        (50, 5000, 1, Limit(50, 5000)),
        (50, 5000, 0, Limit(50, 5000)),
        (1, 1, 3, Limit(1 / 3, 1)),
        (0, 5000, 2, None),
    ],
)
def test_each_replica_counts_its_part(
    settings: Settings, per_second: int, burst: int, replicas: int, limit: Limit | None
) -> None:
    chosen = replace(
        settings, new_voters_per_second=per_second, new_voters_burst=burst, vote_replicas=replicas
    )
    assert chosen.new_voters == limit
