from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient


@pytest.mark.parametrize(
    ("away", "draining", "alive", "ready"),
    [
        (False, False, 200, 200),
        (True, False, 200, 503),
        (False, True, 503, 503),
        (True, True, 503, 503),
    ],
)
def test_health(
    app: Flask,
    client: FlaskClient,
    queue: Any,
    away: bool,
    draining: bool,
    alive: int,
    ready: int,
) -> None:
    queue.away = away
    app.extensions["lifetime"].draining = draining
    assert client.get("/healthz").status_code == alive
    assert client.get("/readyz").status_code == ready


def test_the_end_finishes_the_queue(app: Flask, queue: Any) -> None:
    app.extensions["lifetime"].end()
    assert queue.finished
