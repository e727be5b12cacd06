"""Backups in a store that speaks S3 over HTTPS, by an authority of its own; and moves between stores."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pytest

from kit import s3
from kit.backup import BACKUP_SECONDS, VOLUME, Backups, backed_up_cluster, drilled
from kit.containers import docker
from kit.postgres_cluster import FIRST_BOOT_SECONDS
from kit.waiting import wait_until


@dataclass(frozen=True)
class Place:
    """A cluster, its runner, and its bucket, whose files are below `folder`."""

    backups: Backups
    bucket: s3.S3
    folder: Path

    def vote(self, first: int) -> None:
        """Store a hundred votes."""
        with self.backups.cluster.connect("worker") as connection:
            connection.execute(
                "INSERT INTO votes SELECT g::text, 'a', 1 FROM generate_series(%s::int, %s) g",
                (first, first + 99),
            )

    def drilled(self) -> tuple[str, str, int | None]:
        """Drill, and return the outcome, why, and the number of votes."""
        found = drilled(lambda: self.backups.run("sh", "-c", "postgres-ha backup drill || true"))
        return found["outcome"], found["why"], found["rows"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Have a bucket with a full backup."""
    folder = tmp_path_factory.mktemp("store")
    with (
        s3.serving(folder, s3.gateway("bridge")) as bucket,
        backed_up_cluster(tmp_path_factory.mktemp("backup"), bucket) as backups,
    ):
        wait_until(backups.cluster.is_whole, FIRST_BOOT_SECONDS, backups.cluster.describe)
        assert backups.wait_for(1)[0]["type"] == "full"
        yield Place(backups, bucket, folder)


def test_a_bucket_holds_backups_that_nobody_reads_without_the_key(place: Place) -> None:
    backups = place.backups
    first = backups.listed()[0]
    backups.stop()
    docker("volume", "rm", backups.volume)
    backups.start()
    wait_until(lambda: bool(backups.listed()), BACKUP_SECONDS, backups.logs)
    assert backups.listed()[0]["label"] == first["label"]
    shown = docker("logs", backups.container)
    assert not [secret for secret in place.bucket.secrets().values() if secret in shown]
    stored = b"".join(path.read_bytes() for path in place.folder.rglob("*.dat"))
    assert stored
    assert b"PG_VERSION" not in stored


def test_who_comes_back_to_a_store_backs_up_at_once_as_it_lacks_the_wal_between(place: Place) -> None:
    backups = place.backups
    with backups.cluster.connect("worker") as connection:
        connection.execute((files("worker") / "schema.sql").read_bytes())
    place.vote(1)
    before = [one["label"] for one in backups.listed()]
    backups.move(VOLUME)
    assert backups.wait_for(1)[0]["type"] == "full"
    place.vote(101)
    backups.another()
    assert place.drilled() == ("good", "", 200)
    backups.move(place.bucket.options())
    place.vote(201)
    wait_until(
        lambda: any(one["label"] not in before for one in backups.listed()), BACKUP_SECONDS, backups.logs
    )
    backups.another()
    assert place.drilled() == ("good", "", 300)
