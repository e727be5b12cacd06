from pathlib import Path

import pytest

from postgres_ha.environment import SettingError
from postgres_ha.settings import load

SECRETS = ("POSTGRES", "REPMGR", "PGPOOL", "WORKER", "RESULT", "OBSERVER", "CERTIFICATES", "MONITOR")


@pytest.fixture
def environ(tmp_path: Path, tls_environment: dict[str, str]) -> dict[str, str]:
    values = {"NODE_NAME": "postgres-2", "POSTGRES_NODES": "postgres-1,postgres-2,postgres-3"}
    values |= tls_environment
    for name in (*(f"{role}_PASSWORD_FILE" for role in SECRETS), "AGENT_TOKEN_FILE"):
        (tmp_path / name).write_text(f"secret of {name}\n")
        values[name] = str(tmp_path / name)
    return values


def test_settings_are_complete(environ: dict[str, str]) -> None:
    settings = load(environ)
    assert settings.node_id == 2
    assert settings.peers == ("postgres-1", "postgres-3")
    assert settings.majority == 2
    assert settings.secrets.worker == "secret of WORKER_PASSWORD_FILE"


def test_secrets_are_not_shown(environ: dict[str, str]) -> None:
    assert "secret of" not in repr(load(environ))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("NODE_NAME", ""),
        ("NODE_NAME", "postgres-9"),
        ("POSTGRES_NODES", ""),
        ("POSTGRES_NODES", "postgres-1,postgres-2"),
        ("POSTGRES_NODES", "postgres-2,postgres-2,postgres-3"),
        ("POSTGRES_NODES", "postgres-2,,postgres-3"),
        ("WORKER_PASSWORD_FILE", "/nonexistent"),
        ("PGSSLMODE", "require"),
    ],
)
def test_a_wrong_setting_is_named(environ: dict[str, str], variable: str, value: str) -> None:
    with pytest.raises(SettingError, match=variable):
        load(environ | {variable: value})


@pytest.mark.parametrize("content", ["", "\n", "two\nlines\n"])
def test_a_secret_is_one_line(environ: dict[str, str], content: str) -> None:
    Path(environ["AGENT_TOKEN_FILE"]).write_text(content)
    with pytest.raises(SettingError, match="AGENT_TOKEN_FILE"):
        load(environ)


def test_a_node_is_backed_up_where_there_is_a_store(environ: dict[str, str]) -> None:
    assert load(environ | {"BACKUP_STORE": ""}).backup is None
    backup = load(environ | {"BACKUP_STORE": "s3"}).backup
    assert backup is not None
    assert backup.authority == Path("/etc/ssl/backup_ca.pem")
