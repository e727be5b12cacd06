from dataclasses import replace
from pathlib import Path

import pytest

from kit.inside import Inside
from postgres_ha import postgres_config, tls
from postgres_ha.settings import Backup, Secrets, Settings

NODES = ("postgres-1", "postgres-2", "postgres-3")


@pytest.fixture
def settings(tmp_path: Path, tls_environment: dict[str, str]) -> Settings:
    secrets = Secrets("a", ("p:w\\d",), "c", "d", "e", "f", "g", "h", ("i",))
    ways = tls.load(tls_environment)
    return Settings("postgres-1", NODES, secrets, ways, tmp_path / "data", tmp_path / "run")


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


@pytest.mark.parametrize(("demanded", "kind"), [(True, "hostssl"), (False, "host")])
def test_whoever_comes_over_the_network_needs_tls_where_it_is_demanded(demanded: bool, kind: str) -> None:
    lines = [line.split() for line in postgres_config.hba(tls_demanded=demanded).splitlines()]
    assert [line[0] for line in lines] == ["local", "local", kind, kind, kind]
    assert {line[-1] for line in lines[1:]} == {"scram-sha-256"}


def test_only_who_runs_in_the_container_is_the_superuser() -> None:
    lines = [line.split() for line in postgres_config.hba(tls_demanded=True).splitlines()]
    taken = [line for line in lines if {"all", "postgres"} & set(line[2].split(","))]
    assert taken[0] == ["local", "all", "postgres", "peer"]
    assert {line[0] for line in taken} == {"local"}


def test_the_server_has_its_certificate_with_a_key_that_nobody_else_can_read(
    settings: Settings, inside: Inside
) -> None:
    settings.data.mkdir(parents=True)
    postgres_config.write(settings, settings.data)
    postgres_config.write_private_files(settings)
    conf = (settings.data / "postgresql.conf").read_text()
    assert "ssl = on\n" in conf
    assert f"ssl_key_file = '{settings.server_pem}'" in conf
    assert settings.server_pem.stat().st_mode & 0o777 == 0o600
    assert settings.server_pem.read_bytes() == inside.file("postgres-1").read_bytes()


def test_the_password_file_is_private_and_escaped(settings: Settings) -> None:
    postgres_config.write_private_files(settings)
    assert settings.passfile.stat().st_mode & 0o777 == 0o600
    assert settings.passfile.read_text().splitlines() == ["*:*:*:repmgr:p\\:w\\\\d"]


def test_no_password_is_in_any_connection_string(settings: Settings) -> None:
    assert "secret" not in postgres_config.upstream_conninfo(settings, "postgres-2")


def test_archiving_is_always_on_and_stores_nothing_without_a_store(settings: Settings) -> None:
    """To turn it on takes a restart of every node; another command does not."""
    settings.data.mkdir(parents=True)
    backed_up = replace(settings, backup=Backup(Path("/node.pem"), Path("/ca.pem")))
    for chosen, command, seconds in ((settings, "'/bin/true'", 0), (backed_up, "'sh ", 60)):
        postgres_config.write(chosen, settings.data)
        conf = (settings.data / "postgresql.conf").read_text()
        assert "archive_mode = on\n" in conf
        assert f"archive_command = {command}" in conf
        assert f"archive_timeout = {seconds}\n" in conf
