from pathlib import Path

import pytest

from kit.inside import Inside
from pgpool_leader import pgpool_config, tls
from pgpool_leader.leader import Backend
from pgpool_leader.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, tls_environment: dict[str, str]) -> Settings:
    return Settings(("a", "b", "c"), {"worker": ("secret",)}, tls.load(tls_environment), tmp_path)


def configuration(settings: Settings) -> str:
    pgpool_config.write(settings, Backend("postgres-2", "10.0.0.2"))
    return pgpool_config.configuration_path(settings).read_text()


def test_only_the_leader_is_a_backend(settings: Settings) -> None:
    text = configuration(settings)
    assert "backend_hostname0 = '10.0.0.2'" in text
    assert "backend_hostname1" not in text
    # Raw mode acknowledges extended-protocol writes that are not committed.
    assert "backend_clustering_mode = 'streaming_replication'" in text
    assert "secret" not in text + " ".join(pgpool_config.command(settings))


def test_clients_come_through_haproxy_only(settings: Settings) -> None:
    text = configuration(settings)
    assert "listen_addresses = '127.0.0.1'" in text
    assert f"port = {pgpool_config.PORT}" in text
    front = Path(pgpool_config.__file__).parents[1] / "haproxy.cfg"
    assert f"server pgpool 127.0.0.1:{pgpool_config.PORT}" in front.read_text()


@pytest.mark.parametrize(
    ("mode", "kind", "authority"), [("verify-full", "hostssl", "{authority}"), ("prefer", "host", "")]
)
def test_clients_need_tls_and_the_server_its_authority_where_tls_is_demanded(
    tmp_path: Path, tls_environment: dict[str, str], inside: Inside, mode: str, kind: str, authority: str
) -> None:
    ways = tls.load(tls_environment | {"PGSSLMODE": mode})
    text = configuration(Settings(("a", "b", "c"), {}, ways, tmp_path))
    assert "ssl = on\n" in text
    assert f"ssl_ca_cert = '{authority.format(authority=inside.authority)}'\n" in text
    assert pgpool_config.hba(tls_demanded=ways.demanded).split()[0] == kind
