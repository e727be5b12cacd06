"""What the runner notes of a store, and what it makes of that when it begins anew."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from unittest.mock import Mock

import pytest

from postgres_ha.backup import notes
from postgres_ha.backup.cluster import Agents, Cluster
from postgres_ha.backup.watch import Watch, was_away
from unit.postgres_ha.backup.test_report import backup, stanza

LONG_AGO = 1000
OLD = backup("old", LONG_AGO)


class Store:
    """What `pgbackrest info` says of the store, and a cluster that is sound."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.info: list[dict[str, Any]] = stanza(OLD)
        self.cluster = Cluster(timeline=2, system="71")
        monkeypatch.setattr("postgres_ha.backup.watch.look", lambda _: self.info)
        monkeypatch.setattr("threading.Thread.start", lambda _: None)

    def look(self) -> Cluster:
        return self.cluster

    def begun(self) -> Watch:
        """Begin, and look once."""
        watch = Watch(self.folder / "conf", cast(Agents, self), self.folder)
        watch.start()
        watch.look()
        return watch

    def drillable(self) -> str | None:
        """Begin anew, and return the label of the backup that can be drilled."""
        newest = self.begun().drillable
        return newest.label if newest else None

    def note_now(self) -> None:
        """Note that nothing was missed until now."""
        notes.write(self.folder, notes.SEEN, {"at": datetime.now(UTC).isoformat()})


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    return Store(tmp_path, monkeypatch)


def test_wal_is_missing_until_a_backup_of_later_is_whole_and_who_begins_anew_knows_it(store: Store) -> None:
    assert store.drillable() is None
    assert store.drillable() is None
    later = int(time.time()) + 60
    store.info = stanza(OLD, backup("damaged", later) | {"error": True})
    assert store.drillable() is None
    store.info = stanza(OLD, backup("new", later))
    assert store.drillable() == "new"
    store.info = stanza(OLD)
    assert store.drillable() == "old"  # nobody was away since it was seen to be whole


@pytest.mark.parametrize(
    ("cluster", "drillable"),
    [
        (Cluster(timeline=2, system="71"), True),
        (Cluster(), True),
        (Cluster(timeline=3, system="71"), False),
        (Cluster(timeline=3, system="other"), True),
        (Cluster(timeline=2, system="71", waiting_seconds=1000), True),
        (Cluster(timeline=2, system="71", given_up=LONG_AGO - 9), True),
        (Cluster(timeline=2, system="71", given_up=LONG_AGO + 9), False),
    ],
    ids=[
        "sound",
        "no primary",
        "new primary",
        "another database",
        "WAL waits",
        "gave up before",
        "gave up since",
    ],
)
def test_a_drill_waits_for_a_backup_where_wal_behind_the_last_may_be_missing(
    store: Store, cluster: Cluster, drillable: bool
) -> None:
    store.note_now()
    store.cluster = cluster
    assert (store.drillable() == "old") is drillable


def test_after_the_clock_was_set_back_it_is_noted_anew_that_nothing_was_missed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.note_now()
    watch, earlier = store.begun(), datetime.now(UTC) - timedelta(hours=1)
    clock = Mock(wraps=datetime, now=lambda _: earlier)
    monkeypatch.setattr("postgres_ha.backup.watch.datetime", clock)
    watch.look()
    assert notes.read(store.folder, notes.SEEN) == {"at": earlier.isoformat()}


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
        ("2026-11-29T12:00:00+00:00", False),
        ("2026-11-29T12:00:01+00:00", True),
    ],
)
def test_where_nobody_has_looked_wal_may_be_missing(seen: object, expected: bool) -> None:
    """Between turning backups off and on again, WAL goes nowhere."""
    assert was_away(seen, datetime(2026, 11, 29, 12, 0, tzinfo=UTC)) is expected
