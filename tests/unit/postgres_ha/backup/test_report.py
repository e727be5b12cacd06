from typing import Any

import pytest

from postgres_ha.backup.report import Contents, contents, listed


def backup(label: str, stop: int, timeline: int = 2) -> dict[str, Any]:
    """Return what pgBackRest 2.55 says of a backup, as far as it is read."""
    wal = f"{timeline:08X}0000000000000008"
    return {
        "label": label,
        "type": "full",
        "archive": {"start": wal, "stop": wal},
        "error": False,
        "info": {"size": 38928385, "repository": {"delta": 4708104}},
        "timestamp": {"start": stop - 8, "stop": stop},
    }


def stanza(*backups: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    """Return what `pgbackrest info` says of a store with these backups."""
    archive = [{"id": "17-1", "min": "000000020000000000000007", "max": "000000030000000000000009"}]
    status = {"code": 0, "lock": {"backup": {"held": False}}}
    return [{"db": [{"id": 1}], "backup": list(backups), "archive": archive, "status": status, **more}]


@pytest.mark.parametrize("info", [[], [{"db": [], "backup": [], "archive": [], "status": {"code": 1}}]])
def test_without_a_stanza_nothing_can_be_stored_yet(info: list[dict[str, Any]]) -> None:
    assert contents(info) == Contents(ready=False)


def test_the_newest_backup_comes_last_and_has_a_timeline() -> None:
    found = contents(stanza(backup("new", 2000, 3), backup("old", 1000)))
    assert [one.label for one in found.backups] == ["old", "new"]
    assert found.newest is not None
    assert (found.newest.timeline, found.newest.stored, found.wal_stop) == (
        *(3, 4708104),
        "000000030000000000000009",
    )


def test_a_store_without_backups_is_ready() -> None:
    found = contents(stanza(archive=[]))
    assert (found.ready, found.backups, found.newest, found.wal_stop) == (True, (), None, "")


def test_of_two_databases_that_used_the_store_the_last_one_counts() -> None:
    archive = [
        {"id": "17-1", "max": "000000070000000000000009"},
        {"id": "17-2", "max": "000000010000000000000003"},
    ]
    assert contents(stanza(archive=archive)).wal_stop == "000000010000000000000003"


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
