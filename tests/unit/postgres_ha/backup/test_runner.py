"""The runner leaves the disk that votes may be written to alone when it is short."""

from datetime import UTC, datetime

import pytest

from postgres_ha.backup.report import Backup
from postgres_ha.backup.room import GIB, Room
from postgres_ha.backup.runner import shortage

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def backup(stored: int) -> Backup:
    return Backup("L", "full", NOON, NOON, 9 * stored, stored, "0" * 24, "0" * 24)


@pytest.mark.parametrize(
    ("stored", "free", "word"),
    [
        ((), 10, ""),
        ((), 9, "nothing more is stored"),
        ((10, 1), 31, ""),
        ((10, 1), 30, "no room for a backup"),
        ((10, 1), 9, "nothing more is stored"),
    ],
)
def test_a_backup_begins_only_where_there_is_room(stored: tuple[int, ...], free: int, word: str) -> None:
    """A tenth of the disk is left at any time, a fifth of it after what can be foreseen."""
    found = shortage(Room(100, free), [backup(size) for size in stored])
    assert word in found
    assert bool(found) == bool(word)


def test_of_a_large_disk_a_few_gigabytes_are_enough() -> None:
    assert shortage(Room(2000 * GIB, 20 * GIB), [backup(10 * GIB)]) == ""
