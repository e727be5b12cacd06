from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask

from result import places

PATH = "/socket.io/?EIO=4&transport=polling"


def open_session(app: Flask) -> str:
    content = app.test_client().get(PATH).text
    return f"{PATH}&sid={json.loads(content[1:])['sid']}"


@pytest.mark.parametrize(
    ("body", "code"),
    [("40", 200), ('42["connect"]', 400), ("x" * 4096, 400), ("x" * 4097, 413), (None, 411)],
)
def test_what_is_posted_is_checked_before_anything_else(app: Flask, body: str | None, code: int) -> None:
    answer = app.test_client().post(open_session(app), data=body)
    assert answer.status_code == code
    assert answer.mimetype == "text/plain"


def test_a_session_that_ended_has_ended(app: Flask) -> None:
    session = open_session(app)
    client = app.test_client()
    assert [client.post(session, data=body).status_code for body in ("40", "41", "40")] == [200, 200, 400]


def test_a_viewer_for_whom_too_much_waits_is_refused(app: Flask) -> None:
    session = open_session(app)
    client = app.test_client()
    client.post(session, data="40")
    for _ in range(300):
        app.extensions["socketio"].emit("scores", {})
    for headers in ({}, {"Upgrade": "websocket"}):
        assert client.post(session, data="3", headers=headers).status_code == 400


def test_without_a_place_a_viewer_is_told_when_to_come_back(
    make_app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "available", lambda: 2)
    app = make_app()
    session, _ = open_session(app), open_session(app)
    client = app.test_client()
    answer = client.get(PATH)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert client.get("/").status_code == 200
    assert client.post(session, data="40").status_code == 200


def test_a_session_does_not_begin_with_a_body(app: Flask) -> None:
    assert app.test_client().post(PATH, data="40").status_code == 400
