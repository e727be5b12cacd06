from pathlib import Path

import pytest

from postgres_ha.backup.store import endpoint, load, time_of_day
from postgres_ha.environment import SettingError

# As the stack file says it where a user has set only what is needed.
S3 = {
    "BACKUP_STORE": "s3",
    "BACKUP_S3_ENDPOINT": "minio.example.org:9000",
    "BACKUP_S3_BUCKET": "votes",
    "BACKUP_S3_REGION": "",
    "BACKUP_AT": "",
}


@pytest.fixture
def environ(tmp_path: Path, tls_environment: dict[str, str]) -> dict[str, str]:
    values = {
        "POSTGRES_NODES": "postgres-1,postgres-2,postgres-3",
        "BACKUP_STORE": "volume",
    } | tls_environment
    for name in ("BACKUP_KEY", "AGENT_TOKEN", "BACKUP_S3_KEY", "BACKUP_S3_KEY_SECRET"):
        (tmp_path / name).write_text(f"hush {name}\n")
        values[f"{name}_FILE"] = str(tmp_path / name)
    return values


def test_a_volume_needs_nothing_more(environ: dict[str, str]) -> None:
    settings = load(environ)
    assert (settings.bucket, settings.at.hour, settings.key) == (None, 3, "hush BACKUP_KEY")


def test_a_bucket_is_complete(environ: dict[str, str]) -> None:
    bucket = load(environ | S3).bucket
    assert bucket is not None
    assert (bucket.host, bucket.port, bucket.name, bucket.region) == (
        "minio.example.org",
        9000,
        "votes",
        "us-east-1",
    )


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({}, "volume"),
        (S3, "minio.example.org:9000/votes"),
        (S3 | {"BACKUP_S3_ENDPOINT": "https://Minio.example.org:9000/"}, "minio.example.org:9000/votes"),
        (S3 | {"BACKUP_S3_ENDPOINT": "minio.example.org"}, "minio.example.org:443/votes"),
        (S3 | {"BACKUP_S3_BUCKET": "other"}, "minio.example.org:9000/other"),
    ],
)
def test_each_store_has_a_name(environ: dict[str, str], more: dict[str, str], place: str) -> None:
    assert load(environ | more).place == place


def test_secrets_are_not_shown(environ: dict[str, str]) -> None:
    assert "hush" not in repr(load(environ | S3))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("BACKUP_STORE", ""),
        ("BACKUP_STORE", "tape"),
        ("BACKUP_AT", "25:00"),
        ("BACKUP_AT", "3:00"),
        ("BACKUP_S3_ENDPOINT", "a b"),
        ("BACKUP_S3_BUCKET", ""),
        ("BACKUP_KEY_FILE", "/nonexistent"),
    ],
)
def test_a_wrong_setting_is_named(environ: dict[str, str], variable: str, value: str) -> None:
    with pytest.raises(SettingError, match=variable):
        load(environ | S3 | {variable: value})


def test_times_and_endpoints_are_read() -> None:
    assert (time_of_day("23:59").hour, time_of_day("23:59").minute) == (23, 59)
    assert endpoint("https://s3.example.org/") == ("s3.example.org", 443)
