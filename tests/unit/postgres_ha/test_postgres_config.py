from pathlib import Path

import pytest

from postgres_ha import postgres_config
from postgres_ha.settings import Secrets, Settings

NODES = ("postgres-1", "postgres-2", "postgres-3")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    secrets = Secrets("p:w\\d", "repmgr-secret", "c", "d", "e", "f", "g", "h")
    return Settings("postgres-1", NODES, secrets, tmp_path / "data", tmp_path / "run")


def test_every_start_is_fenced_whatever_the_directory_says(settings: Settings) -> None:
    settings.data.mkdir(parents=True)
    auto = settings.data / "postgresql.auto.conf"
    auto.write_text("primary_conninfo = 'host=postgres-3'\nsynchronous_standby_names = ''\n")
    postgres_config.write(settings, settings.data)
    assert (settings.data / "standby.signal").exists()
    assert "primary_conninfo = ''" in auto.read_text()
    assert f"synchronous_standby_names = '\"{postgres_config.FENCE}\"'" in auto.read_text()


def test_a_commit_waits_for_any_one_peer() -> None:
    names = postgres_config.synchronous_standby_names(("postgres-2", "postgres-3"))
    assert names == 'ANY 1 ("postgres-2", "postgres-3")'


def test_the_password_file_is_private_and_escaped(settings: Settings) -> None:
    postgres_config.write_passfile(settings)
    assert settings.passfile.stat().st_mode & 0o777 == 0o600
    assert settings.passfile.read_text().splitlines() == [
        "*:*:*:postgres:p\\:w\\\\d",
        "*:*:*:repmgr:repmgr-secret",
    ]


def test_no_password_is_in_any_connection_string(settings: Settings) -> None:
    assert "secret" not in postgres_config.upstream_conninfo(settings, "postgres-2")
