from __future__ import annotations

from pathlib import Path

import pytest

from result import settings as configuration


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("hush\n")
    monkeypatch.setenv("DATABASE_PASSWORD_FILE", str(tmp_path / "secret"))


@pytest.mark.parametrize("variable", ["TITLE", "QUESTION"])
@pytest.mark.parametrize(
    ("given", "kept"), [("", ""), ("  ", ""), (" Best pet? ", "Best pet?"), ("x" * 200, "x" * 200)]
)
def test_words_of_the_operator(variable: str, given: str, kept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, given)
    assert getattr(configuration.load(), variable.lower()) == kept


@pytest.mark.parametrize("variable", ["TITLE", "QUESTION"])
@pytest.mark.parametrize(
    ("given", "why"),
    [("x" * 201, "at most 200"), ("a\nb", "control"), ("a\x1bb", "control"), ("a\u2028b", "control")],
)
def test_unsound_words_are_refused(
    variable: str, given: str, why: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable, given)
    with pytest.raises(SystemExit) as ended:
        configuration.load()
    assert ended.value.code == 2
    complaint = capsys.readouterr().err
    assert variable in complaint
    assert why in complaint
