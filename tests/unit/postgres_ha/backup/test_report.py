from typing import Any

import pytest

from postgres_ha.backup.report import Contents, contents, listed


def backup(label: str, stop: int, timeline: int = 2, database: int = 1) -> dict[str, Any]:
    """Return what pgBackRest 2.55 says of a backup, as far as it is read."""
    wal = f"{timeline:08X}0000000000000008"
    return {
        "label": label,
        "type": "full",
        "archive": {"start": wal, "stop": wal},
        "database": {"id": database, "repo-key": 1},
        "error": False,
        "info": {"size": 38928385, "repository": {"delta": 4708104}},
        "timestamp": {"start": stop - 8, "stop": stop},
    }


def stanza(*backups: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    """Return what `pgbackrest info` says of a store with these backups."""
    archive = [wal_of(1, "000000030000000000000009")]
    status = {"code": 0, "lock": {"backup": {"held": False}}}
    databases = [{"id": 1, "system-id": 71}]
    return [{"db": databases, "backup": list(backups), "archive": archive, "status": status, **more}]


def wal_of(database: int, last: str | None) -> dict[str, Any]:
    """Return what it says of the WAL of one of its databases."""
    return {"database": {"id": database, "repo-key": 1}, "id": f"17-{database}", "min": last, "max": last}


TWO = [{"id": 1, "system-id": 71}, {"id": 2, "system-id": 72}]


@pytest.mark.parametrize("info", [[], [{"db": [], "backup": [], "archive": [], "status": {"code": 1}}]])
def test_without_a_stanza_nothing_can_be_stored_yet(info: list[dict[str, Any]]) -> None:
    assert contents(info) == Contents(ready=False)


def test_the_newest_backup_comes_last_and_has_a_timeline() -> None:
    found = contents(stanza(backup("new", 2000, 3), backup("old", 1000)))
    assert [one.label for one in found.backups] == ["old", "new"]
    assert found.newest is not None
    assert (found.newest.timeline, found.newest.stored, found.wal_stop(1)) == (
        *(3, 4708104),
        "000000030000000000000009",
    )


def test_a_store_without_backups_is_ready() -> None:
    found = contents(stanza(archive=[]))
    assert (found.ready, found.backups, found.newest, found.wal_stop(1)) == (True, (), None, "")


def test_of_two_databases_that_used_the_store_the_last_one_counts_and_each_has_its_wal() -> None:
    archive = [wal_of(1, "000000070000000000000009"), wal_of(2, "000000010000000000000003")]
    old, new = backup("old", 1000, 7), backup("new", 2000, 1, database=2)
    found = contents(stanza(old, new, db=TWO, archive=archive))
    assert (found.database, found.system) == (2, "72")
    assert [found.wal_stop(one.database) for one in found.backups] == [
        "000000070000000000000009",
        "000000010000000000000003",
    ]
    told = listed(found, {})
    assert [one["former"] for one in told["backups"]] == [True, False]
    assert told["wal_stop"] == "000000010000000000000003"


def test_of_a_database_that_has_just_got_the_store_there_is_no_backup_yet() -> None:
    """That of the former one is neither its newest, nor a damaged one of it."""
    found = contents(stanza(backup("old", 1000) | {"error": True}, db=TWO, archive=[wal_of(2, None)]))
    assert (found.own, found.newest, found.damage, found.wal_stop(2)) == ((), None, "", "")
    assert [one.label for one in found.backups] == ["old"]


@pytest.mark.parametrize(
    ("lock", "expected"),
    [
        ({"held": False}, None),
        ({"held": True}, None),
        ({"held": True, "size": 1000}, 0.0),
        ({"held": True, "size": 1000, "size-cplt": 250}, 25.0),
    ],
)
def test_how_far_a_backup_is(lock: dict[str, Any], expected: float | None) -> None:
    assert contents(stanza(status={"code": 0, "lock": {"backup": lock}})).percent == expected


def test_a_backup_that_was_restored_says_when() -> None:
    found = listed(
        contents(stanza(backup("old", 1000), backup("new", 2000))), {"old": "2026-11-29T15:00:00+00:00"}
    )
    assert [one["restored"] for one in found["backups"]] == ["2026-11-29T15:00:00+00:00", None]
    assert found["backups"][0]["stop"] == "1970-01-01T00:16:40+00:00"


def test_a_backup_with_damaged_pages_does_not_count() -> None:
    found = contents(stanza(backup("old", 1000), backup("new", 2000) | {"error": True}))
    assert found.newest is not None
    assert found.newest.label == "old"
    assert "backup new: it does not count" in found.damage
    assert contents(stanza(backup("new", 2000) | {"error": True}, backup("newer", 3000))).damage == ""
