from pathlib import Path

import pytest

from pgpool_leader.environment import SettingError
from pgpool_leader.settings import load


@pytest.fixture
def environ(tmp_path: Path, tls_environment: dict[str, str]) -> dict[str, str]:
    values = {"POSTGRES_NODES": "postgres-1,postgres-2,postgres-3", **tls_environment}
    for role in ("WORKER", "RESULT", "OBSERVER", "CERTIFICATES", "PGPOOL"):
        (tmp_path / role).write_text(f"secret of {role}\n")
        values[f"{role}_PASSWORD_FILE"] = str(tmp_path / role)
    return values


def test_settings_are_complete_and_secrets_not_shown(environ: dict[str, str]) -> None:
    settings = load(environ)
    assert settings.majority == 2
    assert settings.passwords["worker"] == ("secret of WORKER",)
    assert "secret of" not in repr(settings)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("POSTGRES_NODES", ""),
        ("POSTGRES_NODES", "postgres-1,postgres-2"),
        ("RESULT_PASSWORD_FILE", "/nonexistent"),
        ("PGSSLMODE", "require"),
    ],
)
def test_a_wrong_setting_is_named(environ: dict[str, str], variable: str, value: str) -> None:
    with pytest.raises(SettingError, match=variable):
        load(environ | {variable: value})
