from pathlib import Path

from pgpool_leader import pgpool_config
from pgpool_leader.leader import Backend
from pgpool_leader.settings import Settings


def test_only_the_leader_is_a_backend(tmp_path: Path) -> None:
    settings = Settings(("a", "b", "c"), {"worker": "secret"}, tmp_path)
    pgpool_config.write(settings, Backend("postgres-2", "10.0.0.2"))
    text = pgpool_config.configuration_path(settings).read_text()
    assert "backend_hostname0 = '10.0.0.2'" in text
    assert "backend_hostname1" not in text
    # Raw mode acknowledges extended-protocol writes that are not committed.
    assert "backend_clustering_mode = 'streaming_replication'" in text
    assert "secret" not in text + " ".join(pgpool_config.command(settings))


def test_clients_come_through_haproxy_only(tmp_path: Path) -> None:
    settings = Settings(("a", "b", "c"), {}, tmp_path)
    pgpool_config.write(settings, Backend("postgres-2", "10.0.0.2"))
    text = pgpool_config.configuration_path(settings).read_text()
    assert "listen_addresses = '127.0.0.1'" in text
    assert f"port = {pgpool_config.PORT}" in text
    front = Path(pgpool_config.__file__).parents[1] / "haproxy.cfg"
    assert f"server pgpool 127.0.0.1:{pgpool_config.PORT}" in front.read_text()
