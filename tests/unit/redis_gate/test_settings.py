from pathlib import Path

import pytest

from kit.inside import Inside
from redis_gate.container import memory_limit
from redis_gate.environment import SettingError
from redis_gate.node_tls import Tls
from redis_gate.settings import REDIS_ACCOUNTS, redis_settings, sentinel_settings


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of a node that may be either: its name is in both lists."""
    files = {account: tmp_path / account for account in REDIS_ACCOUNTS}
    for account, path in files.items():
        path.write_text(f"{account}-secret\n")
    return {
        "NODE_NAME": "node-1",
        "REDIS_NODES": "node-1,redis-2,redis-3",
        "SENTINEL_NODES": "node-1,sentinel-2,sentinel-3",
        "MAXMEMORY": "256mb",
        "QUORUM": "2",
        "REDIS_TLS": "no",
    } | {f"REDIS_{account.upper()}_PASSWORD_FILE": str(path) for account, path in files.items()}


def test_redis_settings(environment: dict[str, str]) -> None:
    settings = redis_settings(environment)
    assert settings.maxmemory == "256mb"
    assert settings.cluster.redis_nodes == ("node-1", "redis-2", "redis-3")
    assert settings.cluster.passwords["worker"] == "worker-secret"


def test_sentinel_reads_only_the_secrets_that_it_needs(environment: dict[str, str]) -> None:
    del environment["REDIS_VOTE_PASSWORD_FILE"]
    settings = sentinel_settings(environment)
    assert set(settings.cluster.passwords) == {"sentinel", "proxy", "monitor"}


def test_passwords_are_not_printed(environment: dict[str, str]) -> None:
    assert "secret" not in repr(redis_settings(environment))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("NODE_NAME", ""),
        ("NODE_NAME", "Node 1"),
        ("NODE_NAME", "redis-9"),
        ("REDIS_NODES", ""),
        ("REDIS_NODES", "node-1,redis-2"),
        ("REDIS_NODES", "node-1,redis-2,redis-2"),
        ("SENTINEL_NODES", "node-1,sentinel-2,sentinel 3"),
        ("MAXMEMORY", ""),
        ("MAXMEMORY", "256"),
        ("MAXMEMORY", "0mb"),
        ("MAXMEMORY", "95mb"),
        ("MAXMEMORY", "90000kb"),
        ("REDIS_VOTE_PASSWORD_FILE", "/nowhere"),
    ],
)
def test_bad_redis_setting_names_the_variable(environment: dict[str, str], variable: str, value: str) -> None:
    with pytest.raises(SettingError, match=rf"^{variable}: "):
        redis_settings(environment | {variable: value})


@pytest.mark.parametrize("value", ["", "1", "4", "two"])
def test_quorum_is_a_majority(environment: dict[str, str], value: str) -> None:
    with pytest.raises(SettingError, match=r"^QUORUM: expected a number from 2 to 3"):
        sentinel_settings(environment | {"QUORUM": value})


@pytest.mark.parametrize("password", ["", "two words", 'quo"te', "back\\slash"])
def test_password_that_a_configuration_cannot_carry(environment: dict[str, str], password: str) -> None:
    Path(environment["REDIS_VOTE_PASSWORD_FILE"]).write_text(password)
    with pytest.raises(SettingError, match=r"^REDIS_VOTE_PASSWORD_FILE: "):
        redis_settings(environment)


MEGABYTE = 1024**2


@pytest.mark.parametrize(
    ("maxmemory", "limit"), [("96mb", 448), ("256mb", 768), ("1gb", 2304), ("1gb", None)]
)
def test_the_queue_fits_into_its_container(
    environment: dict[str, str], maxmemory: str, limit: int | None
) -> None:
    allowed = limit * MEGABYTE if limit else None
    assert redis_settings(environment | {"MAXMEMORY": maxmemory}, allowed).maxmemory == maxmemory


@pytest.mark.parametrize(("maxmemory", "limit"), [("96mb", 447), ("256mb", 512), ("1gb", 768)])
def test_a_container_that_is_too_small_for_the_queue_is_refused(
    environment: dict[str, str], maxmemory: str, limit: int
) -> None:
    with pytest.raises(SettingError, match=rf"^MAXMEMORY: {maxmemory} needs .* use {limit}: raise"):
        redis_settings(environment | {"MAXMEMORY": maxmemory}, limit * MEGABYTE)


@pytest.mark.parametrize(("text", "expected"), [("805306368\n", 805306368), ("max\n", None)])
def test_memory_of_the_container(tmp_path: Path, text: str, expected: int | None) -> None:
    (tmp_path / "memory.max").write_text(text)
    assert memory_limit((tmp_path / "elsewhere", tmp_path / "memory.max")) == expected
    assert memory_limit((tmp_path / "elsewhere",)) is None


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Inside:
    return Inside(tmp_path_factory.mktemp("inside") / "files", "node-1")


@pytest.fixture
def with_tls(environment: dict[str, str], inside: Inside) -> dict[str, str]:
    files = {"INSIDE_CA_FILE": str(inside.authority), "SERVER_TLS_FILE": str(inside.file("node-1"))}
    return environment | files | {"REDIS_TLS": "yes"}


def test_with_tls_a_node_has_a_certificate_and_knows_an_authority(
    with_tls: dict[str, str], inside: Inside
) -> None:
    expected = Tls(str(inside.authority), str(inside.file("node-1")))
    assert redis_settings(with_tls).cluster.tls == sentinel_settings(with_tls).cluster.tls == expected


def test_in_clear_a_node_needs_no_certificate(environment: dict[str, str]) -> None:
    assert redis_settings(environment | {"SERVER_TLS_FILE": "/nowhere"}).cluster.tls is None


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        ("REDIS_TLS", "", "expected yes or no"),
        ("REDIS_TLS", "YES", "expected yes or no"),
        ("INSIDE_CA_FILE", "/nowhere", "cannot read /nowhere: No such file or directory"),
        ("INSIDE_CA_FILE", "/", "cannot read /: Is a directory"),
        ("INSIDE_CA_FILE", "/etc/hostname", "/etc/hostname holds no certificate"),
        ("SERVER_TLS_FILE", "/nowhere", "cannot read /nowhere: No such file or directory"),
        ("SERVER_TLS_FILE", "/etc/hostname", "/etc/hostname holds no key with its certificate"),
    ],
)
def test_what_tls_lacks_is_named(with_tls: dict[str, str], variable: str, value: str, complaint: str) -> None:
    with pytest.raises(SettingError, match=rf"^{variable}: {complaint}$"):
        redis_settings(with_tls | {variable: value})


def test_a_certificate_without_its_key_is_refused(with_tls: dict[str, str], inside: Inside) -> None:
    with pytest.raises(SettingError, match=r"^SERVER_TLS_FILE: .* holds no key with its certificate$"):
        redis_settings(with_tls | {"SERVER_TLS_FILE": str(inside.authority)})
