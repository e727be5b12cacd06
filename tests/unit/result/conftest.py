from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from result import create_app
from result.database import DatabaseAwayError
from result.history import Moment
from result.poll import FIRST, Poll
from result.scores import Reading
from result.settings import read

MakeApp = Callable[..., Flask]


class SourceDouble:
    """A database that says what the test wants, or is away."""

    def __init__(self) -> None:
        self.reading: Reading | None = Reading({}, 0.0)
        self.moments: list[Moment] | None = []
        self.present = FIRST

    def read(self) -> Reading:
        if self.reading is None:
            raise DatabaseAwayError
        return self.reading

    def poll(self) -> Poll:
        return self.present

    def past(self) -> list[Moment]:
        if self.moments is None:
            raise DatabaseAwayError
        return self.moments


@pytest.fixture
def source() -> SourceDouble:
    return SourceDouble()


@pytest.fixture
def make_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: SourceDouble) -> MakeApp:
    (tmp_path / "secret").write_text("hush\n")
    monkeypatch.setenv("DATABASE_PASSWORD_FILE", str(tmp_path / "secret"))

    def _make_app(**settings: str) -> Flask:
        variables = {name.upper(): value for name, value in settings.items()}
        return create_app(read(os.environ | variables), source)

    return _make_app


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app()
