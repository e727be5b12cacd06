"""What an operator is told of backups, and which settings make a store."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from deployment.configuration import overlays, settings
from deployment.errors import DeployError
from deployment.operations.release import source
from deployment.plan.cluster import backups
from deployment.plan.cluster.picture import Backups, Picture
from deployment.plan.release import bucket
from deployment.plan.release.release import Release

STOP = "2026-11-29T03:04:00+00:00"
EARLIER, LATER = "2026-11-29T03:03:00+00:00", "2026-11-29T03:05:00+00:00"
AT = datetime.fromisoformat(STOP).timestamp() + 12 * 3600
GOOD = Backups(
    waiting=0, oldest_seconds=0, wal_bytes=0, code=0, label="L", type="diff", stop=STOP, count=2, told=1
)


def having(**more: Any) -> Backups:
    return Backups(**{**asdict(GOOD), **more})


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (GOOD, "Backups: last diff, 12 h ago; all WAL is stored"),
        (having(stop=None, waiting=None), "Backups: last none yet; whether WAL is stored is unknown"),
        (
            having(running=True, waiting=3, oldest_seconds=200.0),
            "Backups: last diff, 12 h ago, one is being made; 3 files of WAL wait, the first for 3 min",
        ),
        (having(given_up=LATER), "Backups: last diff, 12 h ago; some WAL is not stored"),
    ],
)
def test_the_line_of_status(found: Backups, expected: str) -> None:
    assert backups.line(asdict(found), AT) == expected


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, []),
        (GOOD, []),
        (having(waiting=1, oldest_seconds=299.0), []),
        (having(waiting=1, oldest_seconds=301.0, wal_bytes=2**31), ["not been stored for 5 min"]),
        (having(waiting=1, code=45), ["other WAL of the same name"]),
        (having(waiting=0, code=45), ["other WAL of the same name"]),
        (having(given_up=EARLIER), []),
        (having(given_up=LATER), ["what was voted then is in no backup until another one is made"]),
        (having(told=None), ["says nothing"]),
        (having(told=61.0), ["says nothing"]),
        (having(problem="no room"), ["failed: no room"]),
        (having(problem=f"{backups.FOREIGN} (71): nothing"), ["gone for good, this one can have it"]),
        (having(stop="2026-11-27T00:00:00+00:00"), ["2 d old"]),
        (having(stop=None), ["there is no backup yet"]),
    ],
)
def test_what_is_wrong_is_said(found: Backups | None, words: list[str]) -> None:
    said = backups.warnings(Picture(at=AT, backups=found))
    assert len(said) == len(words)
    assert all(word in what for word, (what, _) in zip(words, said, strict=True))
    assert all(command.startswith("python3 deploy.py ") for _, command in said)


def test_a_warning_of_status_says_what_to_do() -> None:
    said = [
        backups.sentence(*each)
        for found in (having(stop=None), having(told=None), having(problem=f"{backups.FOREIGN} (7)"))
        for each in backups.warnings(Picture(at=AT, backups=found))
    ]
    assert said == [
        "there is no backup yet; run `python3 deploy.py backup`",
        "the runner of the backups says nothing; look at `python3 deploy.py logs backup`",
        "the store belongs to another database (7). If that one is gone for good, this one can have it; "
        "run `python3 deploy.py backup adopt`",
    ]


def test_the_table_has_a_line_for_each_backup() -> None:
    one = {
        "label": "20261129-030000F", "type": "full", "stop": STOP, "size": 38928385, "stored": 4708104,
        "wal_start": "000000020000000000000008", "wal_stop": "00000002000000000000000A",
        "damaged": False, "restored": None,
    }  # fmt: skip
    others = [one | {"damaged": True, "restored": STOP}, one | {"former": True}]
    heading, first, second, third = backups.table({"backups": [one, *others]})
    assert third.startswith("20261129-030000F FORMER")
    assert heading.split() == ["BACKUP", "TYPE", "COMPLETE", "(UTC)", "DATABASE", "STORED", "WAL", "RESTORED"]
    assert "37.1 MiB  4.5 MiB" in first
    assert first.endswith("to 0000000A  never")
    assert "DAMAGED" in second
    assert second.endswith("2026-11-29 03:04")


@pytest.fixture
def s3(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "key").write_text("hush\n")
    files = {name: str(tmp_path / "key") for name in ("backup_s3_key_file", "backup_s3_key_secret_file")}
    return files | {"backup_store": "s3", "backup_s3_endpoint": "s3.example.org", "backup_s3_bucket": "votes"}


def chosen(**values: str) -> list[str]:
    return [path.name for path in overlays.chosen(settings.load(**values)) if "backup" in path.name]


def test_a_store_adds_its_files_and_without_one_there_are_none(s3: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "ca").write_text("-----BEGIN CERTIFICATE-----\n")
    assert chosen() == []
    assert chosen(backup_store="volume") == ["backup.yaml", "backup-volume.yaml"]
    assert chosen(**s3) == ["backup.yaml", "backup-s3.yaml"]
    assert chosen(**s3, backup_s3_ca_file=str(tmp_path / "ca"))[-1] == "backup-s3-ca.yaml"


@pytest.mark.parametrize("now", ["with another authority", "with another bucket", "without an authority"])
@pytest.mark.parametrize("before", [True, False], ids=["with an authority", "without one"])
def test_a_former_release_comes_back_with_today_s_bucket_as_it_has_today_s_key(
    s3: dict[str, str], tmp_path: Path, before: bool, now: str
) -> None:
    for name in ("former", "newer"):
        (tmp_path / name).write_text(f"-----BEGIN CERTIFICATE-----\n{name}\n")
    changes = {
        "with another authority": {"backup_s3_ca_file": str(tmp_path / "newer")},
        "with another bucket": {
            "backup_s3_ca_file": str(tmp_path / "newer"),
            "backup_s3_bucket": "other",
            "backup_s3_region": "eu-1",
        },
        "without an authority": {},
    }
    authority = {"backup_s3_ca_file": str(tmp_path / "former")} if before else {}
    former = made("former", **s3, **authority, vote_replicas=3)
    newer = made("newer", **s3 | changes[now])
    expected = made("newer", **s3 | changes[now], vote_replicas=3)
    assert bucket.kept(former, newer).identity == expected.identity


def test_a_former_release_without_a_bucket_gets_none(s3: dict[str, str]) -> None:
    for former in (made(), made(backup_store="volume")):
        assert bucket.kept(former, made(**s3)) is former


def test_the_bucket_of_now_is_that_of_the_last_release_that_has_one(s3: dict[str, str]) -> None:
    first, second, volume = (
        made(**s3),
        made(**s3 | {"backup_s3_bucket": "other"}),
        made(backup_store="volume"),
    )
    assert bucket.newest([first, second, volume]) == second
    assert bucket.newest([volume]) is None
    assert bucket.kept(first, None) is first


def test_the_key_of_a_bucket_is_no_secret_that_is_always_the_newest(s3: dict[str, str]) -> None:
    renewed = made("former", **s3).renewed({"backup_s3_key": "newer", "backup_key": "newer"}, {})
    assert renewed.variables["BACKUP_S3_KEY_SECRET"] == "backup_s3_key of former"
    assert renewed.variables["BACKUP_KEY_SECRET"] == "newer"


def made(key: str = "", **given: object) -> Release:
    """Return a release whose key of a bucket is one of several."""
    names = {name: f"{name} of {key}" for name in ("backup_s3_key", "backup_s3_key_secret")}
    names["backup_key"] = "the key of the backups"
    return source.made({}, settings.load(**given), names, "a,b")


@pytest.mark.parametrize("endpoint", ["192.0.2.10:9000", "minio.example.org:65535", "127.example.org"])
def test_a_store_may_be_at_a_name_or_an_address(s3: dict[str, str], endpoint: str) -> None:
    asked = s3 | {"backup_s3_endpoint": f"https://{endpoint}/"}
    assert settings.load(**asked).variables()["BACKUP_S3_ENDPOINT"] == endpoint


def test_the_keys_of_a_bucket_become_secrets(s3: dict[str, str]) -> None:
    assert settings.load(**s3).given == {"backup_s3_key": b"hush\n", "backup_s3_key_secret": b"hush\n"}


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"backup_store": "tape"}, "BACKUP_STORE"),
        ({"backup_at": "3 o'clock"}, "BACKUP_AT"),
        ({"backup_s3_bucket": "votes"}, "BACKUP_S3_BUCKET is only for"),
        ({"backup_store": "volume", "backup_s3_region": "eu-1"}, "BACKUP_S3_REGION is only for"),
        ({"backup_store": "s3"}, "BACKUP_S3_ENDPOINT is needed"),
        ({"backup_s3_endpoint": "ftp://x y"}, "BACKUP_S3_ENDPOINT"),
        ({"backup_s3_endpoint": "http://minio.example.org:9000"}, "reached by HTTPS alone"),
        ({"backup_s3_endpoint": "[2001:db8::1]:9000"}, "only IPv4 is known"),
        ({"backup_s3_endpoint": "192.0.2.300:9000"}, "BACKUP_S3_ENDPOINT.*300"),
        ({"backup_s3_endpoint": "minio.example.org:65536"}, "BACKUP_S3_ENDPOINT"),
        ({"backup_s3_endpoint": "Localhost:9000"}, "BACKUP_S3_ENDPOINT: .* by which other machines reach"),
        ({"backup_s3_endpoint": "minio.localhost.:9000"}, "by which other machines reach the store"),
        ({"backup_s3_endpoint": "https://127.0.0.1:9000"}, "by which other machines reach the store"),
        ({"backup_s3_key_file": "/nonexistent"}, "BACKUP_S3_KEY_FILE"),
    ],
)
def test_a_store_that_cannot_be_is_refused(values: dict[str, str], word: str) -> None:
    with pytest.raises(DeployError, match=word):
        settings.load(**values)
