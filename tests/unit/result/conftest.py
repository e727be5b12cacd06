from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from result import create_app
from result.database import DatabaseAwayError
from result.scores import Reading
from result.settings import Settings


class SourceDouble:
    """A database that says what the test wants, or is away."""

    def __init__(self) -> None:
        self.reading: Reading | None = Reading({}, 0.0)

    def read(self) -> Reading:
        if self.reading is None:
            raise DatabaseAwayError
        return self.reading


@pytest.fixture
def source() -> SourceDouble:
    return SourceDouble()


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: SourceDouble) -> Flask:
    (tmp_path / "secret").write_text("hush\n")
    monkeypatch.setenv("DATABASE_PASSWORD_FILE", str(tmp_path / "secret"))
    return create_app(Settings.model_validate({}), source)
