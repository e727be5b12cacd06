"""Backups in a store that speaks S3 over HTTPS, by an authority of its own."""

from pathlib import Path

import pytest

from kit import s3
from kit.backup import BACKUP_SECONDS, backed_up_cluster
from kit.containers import docker
from kit.postgres_cluster import FIRST_BOOT_SECONDS
from kit.waiting import wait_until


@pytest.mark.long
def test_a_bucket_holds_backups_that_nobody_reads_without_the_key(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    with (
        s3.serving(tmp_path / "store", s3.gateway("bridge")) as store,
        backed_up_cluster(tmp_path / "backup", store) as backups,
    ):
        wait_until(backups.cluster.is_whole, FIRST_BOOT_SECONDS, backups.cluster.describe)
        first = backups.wait_for(1)[0]
        assert first["type"] == "full"
        backups.stop()
        docker("volume", "rm", backups.volume)
        backups.start()
        wait_until(lambda: bool(backups.listed()), BACKUP_SECONDS, backups.logs)
        assert backups.listed()[0]["label"] == first["label"]
        shown = docker("logs", backups.container)
        assert not [secret for secret in store.secrets().values() if secret in shown]
        stored = b"".join(path.read_bytes() for path in (tmp_path / "store").rglob("*.dat"))
        assert stored
        assert b"PG_VERSION" not in stored
