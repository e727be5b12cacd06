from __future__ import annotations

from pathlib import Path

import pytest

from worker import settings as configuration

VARIABLES = ("REDIS_PASSWORD_FILE", "DATABASE_PASSWORD_FILE")


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("hush\n")
    for name in VARIABLES:
        monkeypatch.setenv(name, str(tmp_path / "secret"))
    monkeypatch.setenv("REDIS_TLS", "no")


@pytest.mark.usefixtures("environment")
def test_defaults_fit_the_stack() -> None:
    settings = configuration.load().access
    assert (settings.redis_host, settings.database_host) == ("redis-proxy", "pgpool")
    assert settings.database_passwords == ("hush",)


@pytest.mark.parametrize("variable", [*VARIABLES, "REDIS_TLS"])
@pytest.mark.usefixtures("environment")
def test_a_missing_setting_is_named(
    variable: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(variable)
    with pytest.raises(SystemExit) as ended:
        configuration.load()
    assert ended.value.code == 2
    assert variable in capsys.readouterr().err
