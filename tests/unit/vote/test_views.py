from __future__ import annotations

import re
import socket
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from vote import create_app
from vote.ballot import wall_milliseconds
from vote.options import parse_options
from vote.settings import Settings
from vote.voter import Voter


def cookie_header(response: Any) -> str:
    return str(response.headers.get("Set-Cookie", ""))


def test_the_page_offers_every_option(client: FlaskClient) -> None:
    page = client.get("/").text
    assert 'value="a"' in page
    assert "Cats" in page
    assert 'value="b"' in page
    assert "Dogs" in page


@pytest.mark.parametrize(("language", "said"), [("en", "local: one copy"), ("fr", "local : une seule copie")])
def test_the_page_says_that_there_is_one_copy_only_where_that_is_so(
    settings: Settings, queue: Any, language: str, said: str
) -> None:
    accepting = {"Accept-Language": language}
    for confirmations, shown in ((0, True), (1, False)):
        client = create_app(replace(settings, queue_confirmations=confirmations), queue).test_client()
        pages = (client.get("/", headers=accepting), client.post("/", data={"vote": "a"}, headers=accepting))
        assert [said in page.text for page in pages] == [shown, shown]


def test_a_vote_is_for_the_key_of_its_option(settings: Settings, queue: Any) -> None:
    moved = parse_options("Birds,Cats,Dogs", "", "", "z,a,b")
    client = create_app(replace(settings, options=moved), queue).test_client()
    offered = re.findall(r'value="(\w)" class="option (option-\d+)"', client.get("/").text)
    assert offered == [("z", "option-1"), ("a", "option-2"), ("b", "option-3")]
    assert "Your vote for Birds is recorded" in client.post("/", data={"vote": "z"}).text
    assert pressed(client.get("/").text) == ["z"]
    assert [ballot.choice for ballot in queue.ballots] == ["z"]


def test_a_vote_without_cookie_is_queued(client: FlaskClient, queue: Any) -> None:
    answer = client.post("/", data={"vote": "a"})
    assert answer.status_code == 200
    assert "Your vote for Cats is recorded" in answer.text
    assert socket.gethostname() in answer.text
    (ballot,) = queue.ballots
    assert ballot.choice == "a"
    assert len(ballot.voter) == 32
    assert f"voter_id={ballot.voter}." in cookie_header(answer)


def test_the_cookie_cannot_be_read_by_scripts_and_lasts_a_year(client: FlaskClient) -> None:
    header = cookie_header(client.get("/"))
    for part in ("HttpOnly", "SameSite=Lax", "Max-Age=31536000", "Path=/"):
        assert part in header
    assert "Secure" not in header


def test_the_cookie_is_secure_behind_https(client: FlaskClient) -> None:
    assert "Secure" in cookie_header(client.get("/", headers={"X-Forwarded-Proto": "https"}))


def test_who_has_a_cookie_for_the_whole_host_stays_the_same_voter(app: Flask, queue: Any) -> None:
    """Of both cookies a browser sends that of the longer path first (RFC 6265, 5.4), which is newer."""
    browser, under = app.test_client(), {"X-Forwarded-Prefix": "/vote"}
    browser.post("/", data={"vote": "a"})
    whole = cookies_of(browser, "/")
    browser.post("/", data={"vote": "b"}, headers=under | {"Cookie": whole})
    both = f"{cookies_of(browser, '/vote')}; {whole}"
    assert len(re.findall("voter_id=", both)) == 2
    alone = app.test_client(use_cookies=False)
    assert pressed(alone.get("/", headers=under | {"Cookie": both}).text) == ["b"]
    alone.post("/", data={"vote": "a"}, headers=under | {"Cookie": both})
    first, second, third = queue.ballots
    assert first.voter == second.voter == third.voter
    assert first.version < second.version < third.version


def cookies_of(browser: FlaskClient, path: str) -> str:
    """Return the header with the cookies that a browser keeps for a path."""
    kept = [browser.get_cookie(name, path=path) for name in ("voter_id", "voted")]
    return "; ".join(f"{cookie.key}={cookie.value}" for cookie in kept if cookie)


def test_a_voter_keeps_the_id_and_versions_rise(client: FlaskClient, queue: Any) -> None:
    for choice in ("a", "b", "a"):
        client.post("/", data={"vote": choice})
    first, second, third = queue.ballots
    assert first.voter == second.voter == third.voter
    assert first.version < second.version < third.version


def test_a_vote_that_is_late_stays_older_than_the_one_chosen_after_it(app: Flask, queue: Any) -> None:
    tab = app.test_client()
    tab.get("/")
    loaded = wall_milliseconds() - 60_000
    before = tab.get_cookie("voter_id")
    tab.post("/", data={"vote": "a", "served": str(loaded), "after": "30000"})
    tab.set_cookie("voter_id", before.value if before else "")
    tab.post("/", data={"vote": "b", "served": str(loaded), "after": "1000"})
    newer, late = queue.ballots
    assert late.voter == newer.voter
    assert late.version < newer.version


def pressed(page: str) -> list[str]:
    return re.findall(r'value="(\w)" class="[^"]*"\s+aria-pressed="true"', page)


def test_on_return_the_page_shows_what_was_chosen(client: FlaskClient) -> None:
    assert pressed(client.get("/").text) == []
    for choice in ("a", "b"):
        client.post("/", data={"vote": choice})
        assert pressed(client.get("/").text) == [choice]


def test_a_choice_that_is_no_longer_offered_is_none(app: Flask) -> None:
    given = app.extensions["cookie"].headers(Voter("0" * 32, 1, "j"), {})
    cookies = "; ".join(header.partition(";")[0] for _, header in given)
    page = app.test_client().get("/", headers={"Cookie": cookies})
    assert page.status_code == 200
    assert pressed(page.text) == []
    assert "Choose one" in page.text


def test_a_vote_that_was_refused_leaves_the_last_one_on_the_page(client: FlaskClient, queue: Any) -> None:
    client.post("/", data={"vote": "a"})
    queue.away = True
    client.post("/", data={"vote": "b"})
    assert pressed(client.get("/").text) == ["a"]


@pytest.mark.parametrize(
    ("language", "said"),
    [("fr", "Votre vote pour Cats est enregistré"), ("en", "is recorded"), ("", "is recorded")],
)
def test_a_vote_is_answered_in_the_voters_language(client: FlaskClient, language: str, said: str) -> None:
    answer = client.post("/", data={"vote": "a"}, headers={"Accept-Language": language})
    assert said in answer.text
    assert f'<html lang="{language or "en"}"' in answer.text


def test_title_and_question_are_settings(settings: Settings, queue: Any) -> None:
    chosen = replace(settings, title="<Fête>", question="Qui & quoi?")
    page = create_app(chosen, queue).test_client().get("/").text
    assert '<p class="title" dir="auto">&lt;Fête&gt;</p>' in page
    assert '<h1 dir="auto">Qui &amp; quoi?</h1>' in page


@pytest.mark.parametrize(
    ("path", "status", "name"),
    [
        ("/errors/429", 200, "Too many at once"),
        ("/errors/502", 200, "Just a moment"),
        ("/errors/504", 200, "Just a moment"),
        ("/maintenance", 503, "We will be right back"),
    ],
)
def test_pages_for_the_edge_carry_their_style_within_them(
    client: FlaskClient, path: str, status: int, name: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert f"<h1>{name}</h1>" in answer.text
    style = answer.text.partition("<style>")[2].partition("</style>")[0]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in answer.headers["Content-Security-Policy"]
    assert "--ground" in style


@pytest.mark.parametrize(
    ("language", "said"), [("en", "We will be right back"), ("fr", "Le vote est suspendu")]
)
def test_while_voting_is_paused_there_is_a_page_that_says_so(
    client: FlaskClient, queue: Any, language: str, said: str
) -> None:
    queue.maintained = True
    answer = client.get("/", headers={"Accept-Language": language})
    assert answer.status_code == 503
    assert (answer.headers["Retry-After"], answer.headers["Vote-Intake"]) == ("30", "maintenance")
    assert said in answer.text
    assert "<form" not in answer.text
    assert client.get("/readyz").status_code == 200
    queue.maintained = False
    assert "<form" in client.get("/").text


def test_a_page_that_arrives_late_does_not_undo_what_a_later_vote_noted(client: FlaskClient) -> None:
    client.post("/", data={"vote": "a"})
    assert not cookie_header(client.get("/"))


def test_a_cookie_that_is_not_ours_always_means_the_same_voter(app: Flask, queue: Any) -> None:
    """The edge may send a request with a cookie to two replicas."""
    for _ in range(2):
        app.test_client(use_cookies=False).post(
            "/", data={"vote": "a"}, headers={"Cookie": "voter_id=of-another-key.x"}
        )
    first, second = queue.ballots
    assert first.voter == second.voter
    assert len(first.voter) == 32


def test_a_vote_comes_after_the_one_its_voter_saw_recorded(client: FlaskClient, queue: Any) -> None:
    """Even if this replica's clock is far behind that of the one which took the last vote."""
    client.post("/", data={"vote": "a"})
    client.post("/", data={"vote": "b", "served": "1000", "after": "1000"})
    first, second = queue.ballots
    assert first.version < second.version


@pytest.mark.parametrize("forgery", ["", "deadbeef", "0" * 32, "0" * 32 + ".AAAA", "ünï.cöde"])
def test_a_forged_cookie_is_replaced(app: Flask, queue: Any, forgery: str) -> None:
    answer = app.test_client(use_cookies=False).post(
        "/", data={"vote": "a"}, headers={"Cookie": f"voter_id={forgery}"}
    )
    assert answer.status_code == 200
    (ballot,) = queue.ballots
    assert ballot.voter != forgery.partition(".")[0]
    assert f"voter_id={ballot.voter}." in cookie_header(answer)


@pytest.mark.parametrize("form", [{}, {"vote": ""}, {"vote": "c"}, {"vote": "A"}, {"v": "a"}])
def test_an_unknown_option_is_refused(client: FlaskClient, queue: Any, form: dict[str, str]) -> None:
    assert client.post("/", data=form).status_code == 400
    assert not queue.ballots


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}],
)
def test_a_vote_from_another_site_is_refused(
    client: FlaskClient, queue: Any, headers: dict[str, str]
) -> None:
    answer = client.post("/", data={"vote": "a"}, headers=headers)
    assert answer.status_code == 403
    assert "Nothing was recorded" in answer.text
    assert not queue.ballots


def test_the_origin_is_compared_with_the_host_that_was_asked_for(client: FlaskClient) -> None:
    headers = {"Origin": "https://vote.localhost:8443"}
    for base_url, status in (("https://vote.localhost:8443", 200), ("https://vote.localhost", 403)):
        assert client.post("/", base_url=base_url, data={"vote": "a"}, headers=headers).status_code == status


def test_a_vote_that_is_not_acknowledged_is_not_called_recorded(client: FlaskClient, queue: Any) -> None:
    queue.away = True
    answer = client.post("/", data={"vote": "a"})
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "NOT recorded" in answer.text
    assert "<strong>Your vote for" not in answer.text
    assert pressed(answer.text) == []


def test_a_large_body_is_refused(client: FlaskClient, queue: Any) -> None:
    assert client.post("/", data={"vote": "a" * 10_000}).status_code == 413
    assert not queue.ballots


@pytest.mark.parametrize(("method", "path", "code"), [("GET", "/x", 404), ("PUT", "/", 405)])
def test_errors_have_a_page(client: FlaskClient, method: str, path: str, code: int) -> None:
    answer = client.open(path, method=method)
    assert answer.status_code == code
    assert "Back to the vote" in answer.text


@pytest.mark.parametrize("path", ["//", "//healthz", "/static//vote.js"])
def test_redirects_lead_back_through_the_edge(client: FlaskClient, path: str) -> None:
    """Of the way to the edge this service sees nothing but a header; a browser must not leave HTTPS."""
    headers = {"X-Forwarded-Proto": "https"}
    answer = client.get(path, base_url="http://vote.localhost:8443", headers=headers)
    assert answer.status_code == 308
    assert answer.headers["Location"].startswith("https://vote.localhost:8443/")
    assert "http://" not in answer.text


@pytest.mark.parametrize(
    ("told", "path"),
    [("", "/"), ("/vote", "/vote/"), ("/polls,/vote", "/polls/vote/"), ("//evil.example", "/")],
)
def test_redirects_and_links_lead_back_under_the_prefix(client: FlaskClient, told: str, path: str) -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Prefix": told}
    redirect = client.get("/static//vote.js", base_url="http://example.org", headers=headers)
    assert redirect.headers["Location"] == f"https://example.org{path}static/vote.js"
    for answer in (client.get("/x", headers=headers), client.post("/", data={}, headers=headers)):
        assert f'href="{path}"' in answer.text


def test_the_page_itself_is_the_same_under_every_prefix(client: FlaskClient) -> None:
    """So all of it can be made beforehand: what it refers to lies beside it."""
    page = client.get("/", headers={"X-Forwarded-Prefix": "/polls"}).text
    assert re.findall(r'(?:href|src|action)="([^"]*)"', page) == [
        "static/page.css", "static/vote.js", "static/icon.svg",
    ]  # fmt: skip


def test_an_error_is_not_redirected(client: FlaskClient) -> None:
    assert client.post("//", data={"vote": "zebra"}).status_code == 400


def test_an_unexpected_error_has_a_page_too(app: Flask, queue: Any) -> None:
    def fail(_ballot: object) -> None:
        raise RuntimeError

    queue.publish = fail
    answer = app.test_client().post("/", data={"vote": "a"})
    assert answer.status_code == 500
    assert "Back to the vote" in answer.text


def test_nothing_comes_from_another_host_or_inline(client: FlaskClient) -> None:
    answer = client.get("/")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    for inline in ("<script>", "<style", " style=", "http://", "https://"):
        assert inline not in answer.text
