from configparser import ConfigParser
from dataclasses import replace
from datetime import time
from pathlib import Path

import pytest

from postgres_ha import tls
from postgres_ha.backup import repository
from postgres_ha.backup.store import Bucket, Settings

NODES = ("postgres-1", "postgres-2", "postgres-3")
PEM = Path("/etc/ssl/backup_ca.pem")
BUCKET = Bucket("s3.example.org", 9000, "votes", "eu-1", "the-key", "the-secret", Path("/etc/ssl/store.pem"))


@pytest.fixture
def settings(tls_environment: dict[str, str]) -> Settings:
    return Settings(NODES, time(3, 0), "hush", None, tls.load(tls_environment), PEM, "token")


def parsed(text: str) -> ConfigParser:
    found = ConfigParser(interpolation=None)
    found.read_string(text)
    return found


def test_a_restore_in_the_runner_is_a_local_one_and_a_backup_reaches_every_node(settings: Settings) -> None:
    conf = parsed(repository.runner_conf(settings))
    assert dict(conf["votes"]) == {"pg1-path": "/var/lib/backup/scratch/pgdata"}
    for command in ("backup", "stanza-create", "check"):
        nodes = conf[f"votes:{command}"]
        assert [nodes[f"pg{number}-host"] for number in (1, 2, 3)] == list(NODES)
        assert {nodes[f"pg{number}-host-type"] for number in (1, 2, 3)} == {"tls"}


def test_what_is_stored_is_encrypted_wherever_that_is(settings: Settings) -> None:
    for chosen in (settings, replace(settings, bucket=BUCKET)):
        conf = parsed(repository.runner_conf(chosen))["global"]
        assert (conf["repo1-cipher-type"], conf["repo1-cipher-pass"]) == ("aes-256-cbc", "hush")


def test_a_bucket_takes_the_place_of_the_volume(settings: Settings) -> None:
    conf = parsed(repository.runner_conf(replace(settings, bucket=BUCKET)))["global"]
    assert conf["repo1-type"] == "s3"
    assert (conf["repo1-s3-endpoint"], conf["repo1-storage-port"]) == ("s3.example.org", "9000")
    assert conf["repo1-storage-ca-file"] == "/etc/ssl/store.pem"
    assert conf["repo1-path"] == "/vote-app"


def test_a_data_node_knows_neither_key_nor_store(settings: Settings) -> None:
    conf = parsed(repository.node_conf(Path("/tmp/node.pem"), PEM, 1000))
    assert not [name for name in conf["global"] if "cipher" in name or "s3" in name or name == "repo1-path"]
    assert (conf["global"]["repo1-host"], conf["global"]["repo1-host-type"]) == ("backup", "tls")
    assert conf["global"]["archive-push-queue-max"] == "1000"


def test_each_lets_in_the_other_alone(settings: Settings) -> None:
    runner = parsed(repository.runner_conf(settings))["global"]
    node = parsed(repository.node_conf(Path("/tmp/node.pem"), PEM, 1))["global"]
    assert runner["tls-server-auth"] == "postgres=votes"
    assert node["tls-server-auth"] == "backup=votes"


@pytest.mark.parametrize(
    ("disk", "expected"), [(2**30, 2**28), (64 * 2**30, 16 * 2**30), (2**40, 16 * 2**30)]
)
def test_wal_that_waits_never_takes_more_than_a_quarter_of_the_disk(disk: int, expected: int) -> None:
    assert repository.most_waiting(disk) == expected


def test_a_private_file_is_whole_and_private(tmp_path: Path) -> None:
    path = tmp_path / "conf"
    for text in ("first", "second"):
        repository.write_private(path, text)
    assert path.read_text() == "second"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]
