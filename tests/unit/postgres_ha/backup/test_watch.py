"""What the runner notes of a store, and what it makes of that when it begins anew."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from kit.waiting import wait_until
from postgres_ha.backup import notes
from postgres_ha.backup.cluster import Agents, Cluster
from postgres_ha.backup.watch import Watch, was_away
from unit.postgres_ha.backup.test_report import backup, stanza

LONG_AGO = 1000


class Store:
    """What `pgbackrest info` says of the store, and a cluster that is sound."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.info: list[dict[str, Any]] = stanza(backup("old", LONG_AGO))
        monkeypatch.setattr("postgres_ha.backup.watch.look", lambda _: self.info)

    def look(self) -> Cluster:
        return Cluster(timeline=2)

    def begun(self) -> Watch:
        """Begin, and look once."""
        watch = Watch(self.folder / "conf", cast(Agents, self), self.folder)
        watch.start()
        wait_until(lambda: watch.contents.ready)
        return watch


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    return Store(tmp_path, monkeypatch)


def test_wal_lacks_until_there_is_a_backup_of_later_and_also_for_who_begins_anew(store: Store) -> None:
    assert store.begun().lacks
    assert store.begun().lacks
    store.info = stanza(backup("old", LONG_AGO), backup("new", int(time.time()) + 60))
    assert not store.begun().lacks
    store.info = stanza(backup("old", LONG_AGO))
    assert not store.begun().lacks  # nobody was away since it was seen to be whole


@pytest.mark.parametrize(
    ("before", "there"),
    [(None, False), ("volume", True), ("minio.example.org:9000/votes", False)],
    ids=["nothing is known", "the same store", "another store"],
)
def test_notes_of_another_store_go(tmp_path: Path, before: str | None, there: bool) -> None:
    if before:
        notes.begin(tmp_path, before)
    for name in (notes.RESTORED, notes.DRILL, notes.SEEN):
        notes.write(tmp_path, name, {"at": "then"})
    notes.begin(tmp_path, "volume")
    kept = [bool(notes.read(tmp_path, name)) for name in (notes.RESTORED, notes.DRILL, notes.SEEN)]
    assert kept == [there] * 3


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (None, True),
        (7, True),
        ("", True),
        ("2026-11-29T12:00:00", True),
        ("2026-11-29T11:58:50+00:00", True),
        ("2026-11-29T11:59:10+00:00", False),
    ],
)
def test_where_nobody_has_looked_wal_may_be_missing(seen: object, expected: bool) -> None:
    """Between turning backups off and on again, WAL goes nowhere."""
    assert was_away(seen, datetime(2026, 11, 29, 12, 0, tzinfo=UTC)) is expected
