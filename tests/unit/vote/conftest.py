from __future__ import annotations

import os
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from vote import create_app
from vote.ballot import Ballot
from vote.poll import FIRST
from vote.probe import Probe
from vote.queue import NotRecordedError, NotTakenError
from vote.settings import Settings, read


class QueueDouble:
    """A queue that takes everything, or nothing when it is away or its intake is not open."""

    def __init__(self) -> None:
        self.ballots: list[Ballot] = []
        self.probes: list[Probe] = []
        self.away = False
        self.intake = "open"
        self.finished = False
        self.maintained = False
        self.poll = FIRST

    def publish(self, ballot: Ballot | Probe) -> None:
        if self.away:
            raise NotRecordedError
        if self.poll.over:
            raise NotTakenError("closed")
        if self.intake != "open":
            raise NotTakenError(self.intake)
        if isinstance(ballot, Probe):
            self.probes.append(ballot)
        else:
            self.ballots.append(ballot)

    def ready(self) -> bool:
        return not self.away

    def finish(self) -> None:
        self.finished = True


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    (tmp_path / "secret").write_text("hush\n")
    for name in ("REDIS_PASSWORD_FILE", "COOKIE_KEY_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "secret"))
    monkeypatch.setenv("REDIS_TLS", "no")
    monkeypatch.setenv("DRAIN_SECONDS", "0")
    return read(os.environ)


@pytest.fixture
def queue() -> QueueDouble:
    return QueueDouble()


@pytest.fixture
def app(settings: Settings, queue: QueueDouble) -> Flask:
    return create_app(settings, queue)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
