from __future__ import annotations

import re
import socket
import time
from typing import Any

import pytest
from flask import Flask

from result.history import Moment
from result.scores import Reading

NASTY = '<script>"&\u202e'


def sockets_client(app: Flask) -> Any:
    return app.extensions["socketio"].test_client(app)


def events(client: Any) -> dict[str, Any]:
    return {each["name"]: each["args"][0] for each in client.get_received()}


OPEN = {"number": 1, "state": "open", "closes": 0, "checksum": "", "paused": False}


def test_a_viewer_is_greeted_with_everything_known(app: Flask, source: Any) -> None:
    source.reading = Reading({"a": 12, "b": 7}, 0.0)
    source.moments = [Moment(1000, {"a": 3})]
    app.extensions["feed"].turn()
    assert events(sockets_client(app)) == {
        "scores": {"a": 12, "b": 7},
        "history": {"at": [1000], "a": [3], "b": [0]},
        "watching": {"count": 1},
        "poll": OPEN,
        "status": {"state": "live"},
    }


def test_who_arrives_late_is_told_of_the_newest_test_votes(app: Flask, source: Any) -> None:
    source.reading = Reading({}, 0.0, ["x"])
    app.extensions["feed"].turn()
    assert events(sockets_client(app))["probe"] == {"newest": ["x"]}


def test_options_have_the_votes_of_their_keys_wherever_they_stand(make_app: Any, source: Any) -> None:
    app = make_app(vote_options="Birds,Cats,Dogs", vote_option_keys="c,a,b")
    source.reading = Reading({"a": 7543, "b": 7587, "z": 1}, 0.0)
    app.extensions["feed"].turn()
    assert events(sockets_client(app))["scores"] == {"c": 0, "a": 7543, "b": 7587}
    told = app.test_client().get("/results.json").json["options"]
    assert [(option["name"], option["votes"]) for option in told] == [
        ("Birds", 0), ("Cats", 7543), ("Dogs", 7587),
    ]  # fmt: skip
    page = app.test_client().get("/").text
    assert re.findall(r'class="(option-\d+)" data-key="(\w)" data-votes="(\d+)"', page) == [
        ("option-1", "c", "0"), ("option-2", "a", "7543"), ("option-3", "b", "7587"),
    ]  # fmt: skip


def test_before_the_first_reading_there_are_no_scores(app: Flask) -> None:
    told = {"watching": {"count": 1}, "poll": OPEN, "status": {"state": "waiting"}}
    assert events(sockets_client(app)) == told


def test_a_change_reaches_a_viewer(app: Flask, source: Any) -> None:
    client = sockets_client(app)
    client.get_received()
    source.reading = Reading({"b": 1}, 0.0)
    app.extensions["feed"].turn()
    assert events(client)["scores"] == {"a": 0, "b": 1}


def test_viewers_are_counted_until_they_leave(app: Flask) -> None:
    client = app.test_client()
    counts = [client.get("/watching").json]
    viewers = [sockets_client(app), sockets_client(app)]
    counts.append(client.get("/watching").json)
    viewers[0].disconnect()
    counts.append(client.get("/watching").json)
    assert counts == [{"container": socket.gethostname(), "watching": n} for n in (0, 2, 1)]


@pytest.mark.parametrize(
    ("language", "parts"),
    [
        ("", ('<html lang="en" dir="ltr">', "Result", "75.0%", "3,000", ">Live<", "an hour ago")),
        ("fr-CH, en;q=0.5", ('<html lang="fr"', "Résultat", "75,0\u202f%", "3\u202f000", ">En direct<")),
    ],
)
def test_the_page_shows_what_is_known(app: Flask, source: Any, language: str, parts: tuple[str, ...]) -> None:
    source.reading = Reading({"a": 3000, "b": 1000}, 0.0)
    app.extensions["feed"].turn()
    answer = app.test_client().get("/", headers={"Accept-Language": language})
    for part in ("Cats", 'data-state="live"', *parts):
        assert part in answer.text
    for inline in ("<style", " style=", "http://", "https://"):
        assert inline not in answer.text
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_everything_that_the_script_looks_for_is_on_the_page(app: Flask) -> None:
    client = app.test_client()
    page, script = client.get("/").text, client.get("/static/result.js").text
    for name in re.findall(r'find\("(\w+)"\)', script):
        assert f'id="{name}"' in page
    for name in ("name", "percent", "count"):
        assert f'class="{name}"' in page


def test_all_but_the_vendors_script_is_small(make_app: Any, source: Any) -> None:
    """With that, of 41 kB, the page stays below 60 kB; its names are as long as can be."""
    app = make_app(vote_options=",".join(f"{n} ".ljust(60, "x") for n in range(10)))
    source.moments = [Moment(int(time.time()) - 30 * n, {"a": n}) for n in range(120, 0, -1)]
    app.extensions["feed"].turn()
    client = app.test_client()
    parts = ("/", "/static/page.css", "/static/result.js", "/static/icon.svg")
    assert sum(len(client.get(part).data) for part in parts) < 19_200


@pytest.mark.parametrize(("moments", "shown"), [([], False), ([Moment(1000, {"a": 3})], True)])
def test_the_last_hour_is_drawn_when_there_is_one(
    app: Flask, source: Any, moments: list[Moment], shown: bool
) -> None:
    source.moments = moments
    app.extensions["feed"].turn()
    answer = app.test_client().get("/")
    assert ('<figure id="past">' in answer.text) is shown
    assert ('points=""' not in answer.text) is shown


def test_words_of_the_operator_are_shown_as_they_are(make_app: Any) -> None:
    app = make_app(title=f" {NASTY}1 ", question=f"{NASTY}2?", option_a=f"{NASTY}3", option_b="كلاب")
    answer = app.test_client().get("/")
    for part in ("&lt;script&gt;&#34;&amp;\u202e" + n for n in ("1</p>", "2?</h1>", "3</bdi>")):
        assert part in answer.text
    assert ">كلاب</bdi>" in answer.text
    assert NASTY not in answer.text


@pytest.mark.parametrize(
    ("away", "draining", "alive", "ready"),
    [
        (False, False, 200, 200),
        (True, False, 200, 503),
        (False, True, 503, 503),
    ],
)
def test_health(app: Flask, source: Any, away: bool, draining: bool, alive: int, ready: int) -> None:
    if away:
        source.reading = None
    app.extensions["feed"].turn()
    app.extensions["lifetime"].draining = draining
    client = app.test_client()
    assert client.get("/healthz").status_code == alive
    assert client.get("/readyz").status_code == ready
