from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from result.scores import Reading


def sockets_client(app: Flask) -> Any:
    return app.extensions["socketio"].test_client(app)


def events(client: Any) -> dict[str, Any]:
    return {each["name"]: each["args"][0] for each in client.get_received()}


def test_a_viewer_is_greeted_with_scores_and_status(app: Flask, source: Any) -> None:
    source.reading = Reading({"a": 12, "b": 7}, 0.0)
    app.extensions["feed"].turn()
    assert events(sockets_client(app)) == {
        "scores": {"a": 12, "b": 7},
        "status": {"state": "live"},
    }


def test_before_the_first_reading_there_are_no_scores(app: Flask) -> None:
    assert events(sockets_client(app)) == {"status": {"state": "waiting"}}


def test_a_change_reaches_a_viewer(app: Flask, source: Any) -> None:
    client = sockets_client(app)
    client.get_received()
    source.reading = Reading({"b": 1}, 0.0)
    app.extensions["feed"].turn()
    assert events(client)["scores"] == {"a": 0, "b": 1}


def test_the_page_shows_what_is_known(app: Flask, source: Any) -> None:
    source.reading = Reading({"a": 3, "b": 1}, 0.0)
    app.extensions["feed"].turn()
    answer = app.test_client().get("/")
    for part in ("Cats", "75.0", "25.0", 'data-state="live"'):
        assert part in answer.text
    for inline in ("<style", " style=", "http://", "https://"):
        assert inline not in answer.text
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


def test_errors_have_a_page(app: Flask) -> None:
    answer = app.test_client().get("/nothing")
    assert answer.status_code == 404
    assert "Back to the result" in answer.text


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
