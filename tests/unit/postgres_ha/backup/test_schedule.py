from datetime import UTC, datetime, time, timedelta

import pytest

from postgres_ha.backup.report import Backup
from postgres_ha.backup.schedule import Due, Situation, due, last_moment, ordered

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
THREE = time(3, 0)
FULL, DIFF = "full", "diff"


def backup(hours: float, kind: str = FULL, timeline: int = 1) -> Backup:
    """Return a backup that was complete so many hours ago."""
    stop, wal = NOW - timedelta(hours=hours), f"{timeline:08X}0000000000000001"
    return Backup(f"{hours}", kind, stop - timedelta(minutes=5), stop, 1, 1, wal, wal)


def situation(*backups: Backup, **more: object) -> Situation:
    """Return what is so at NOW, with a primary on timeline 1."""
    return Situation(**{"now": NOW, "at": THREE, "backups": backups, "timeline": 1, **more})  # type: ignore[arg-type]


FAILED_TWICE = {"failures": 2, "tried": NOW - timedelta(seconds=100)}


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (situation(), Due(FULL, "there is none yet")),
        (situation(backup(20, DIFF)), Due(FULL, "there is none yet")),
        (situation(timeline=None), None),
        (situation(backup(1)), None),
        (situation(backup(9.1)), Due(DIFF, "daily")),
        (situation(backup(8.9)), None),
        (situation(backup(200), backup(1, DIFF)), None),
        (situation(backup(6 * 24 + 9), backup(20, DIFF)), Due(DIFF, "daily")),
        (situation(backup(7 * 24 + 8), backup(20, DIFF)), Due(FULL, "weekly")),
        (situation(backup(1), timeline=2), Due(DIFF, "the primary has changed: timeline 2")),
        (situation(backup(1, timeline=2), timeline=2), None),
        (situation(backup(30), backup(1, DIFF, 2), timeline=2), None),
        (situation(backup(1), stood_still=NOW), Due(DIFF, "WAL could not be stored for a while")),
        (situation(backup(1), stood_still=NOW, waiting_seconds=121.0), None),
        (situation(backup(1), stood_still=NOW - timedelta(hours=2)), None),
        (situation(failures=1, tried=NOW - timedelta(seconds=59)), None),
        (situation(failures=1, tried=NOW - timedelta(seconds=60)), Due(FULL, "there is none yet")),
        (situation(**FAILED_TWICE), None),
        (situation(failures=2, tried=NOW - timedelta(seconds=120)), Due(FULL, "there is none yet")),
        (situation(failures=500, tried=NOW - timedelta(minutes=59)), None),
        (situation(failures=500, tried=NOW - timedelta(hours=1)), Due(FULL, "there is none yet")),
        # The clock was set back.
        (situation(failures=1, tried=NOW), None),
        (situation(failures=1, tried=NOW + timedelta(days=1)), Due(FULL, "there is none yet")),
    ],
)
def test_which_backup_is_due(seen: Situation, expected: Due | None) -> None:
    assert due(seen) == expected


def test_a_week_of_daily_backups_has_one_full_one_whenever_each_is_complete() -> None:
    """Each takes twenty minutes, so the first full one is complete a little after its moment."""
    made: list[Backup] = []
    for minutes in range(0, 15 * 24 * 60, 10):
        now = NOW + timedelta(minutes=minutes)
        found = due(Situation(now, THREE, tuple(made), timeline=1))
        if found:
            stop = now + timedelta(minutes=5)
            made.append(Backup("", found.type, now, stop, 1, 1, f"{1:032X}", f"{1:08X}{1:016X}"))
    kinds = [one.type for one in made]
    assert (kinds.count(FULL), len(kinds)) == (3, 16)


@pytest.mark.parametrize(
    ("at", "expected"), [(time(3, 0), (29, 3)), (time(12, 0), (29, 12)), (time(12, 1), (28, 12))]
)
def test_the_last_moment_is_today_once_it_has_come(at: time, expected: tuple[int, int]) -> None:
    found = last_moment(NOW, at)
    assert (found.day, found.hour) == expected


@pytest.mark.parametrize(
    ("kind", "backups", "expected"),
    [
        (DIFF, (), FULL),
        (FULL, (), FULL),
        (DIFF, (backup(20, DIFF),), FULL),
        (DIFF, (backup(20), backup(1, DIFF)), DIFF),
        (FULL, (backup(20),), FULL),
    ],
)
def test_the_first_backup_that_is_asked_for_is_a_full_one(
    kind: str, backups: tuple[Backup, ...], expected: str
) -> None:
    assert ordered(kind, backups) == Due(expected, "asked for")
