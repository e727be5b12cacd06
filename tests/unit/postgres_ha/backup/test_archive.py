import os
import subprocess
import time
from pathlib import Path

import pytest

from postgres_ha.backup import archive

SEGMENT = "00000001000000000000000{}"


def wal(folder: Path, ready: dict[str, float]) -> Path:
    """Make a directory of WAL with three files; those that are `ready` have waited for so many seconds."""
    found = folder / "pg_wal"
    (found / "archive_status").mkdir(parents=True)
    for number in range(3):
        (found / SEGMENT.format(number)).touch()
        (found / "archive_status" / f"{SEGMENT.format(number)}.done").touch()
    for name, age in ready.items():
        path = found / "archive_status" / f"{name}.ready"
        path.touch()
        os.utime(path, (time.time() - age,) * 2)
    return found


def test_what_waits_is_counted_and_the_oldest_measured(tmp_path: Path) -> None:
    found = archive.look(wal(tmp_path, {"a": 30, "b": 600}), tmp_path, tmp_path)
    assert (found.waiting, found.wal_bytes, found.code) == (2, 3 * 16 * 2**20, 0)
    assert 600 <= found.oldest_seconds < 700


def test_where_all_is_stored_nothing_waits(tmp_path: Path) -> None:
    found = archive.look(wal(tmp_path, {}), tmp_path, tmp_path)
    assert (found.waiting, found.oldest_seconds) == (0, 0.0)


def test_a_node_without_data_has_no_wal(tmp_path: Path) -> None:
    assert archive.look(tmp_path / "absent", tmp_path, tmp_path) == archive.Archive(0, 0.0, 0, 0)


def push(folder: Path, code: int, said: str = "", floor: int = 0) -> tuple[int, archive.Archive]:
    """Store a file as PostgreSQL does, by a pgBackRest that says this; return the code and what is seen."""
    (folder / "pgbackrest").write_text(f"#!/bin/sh\necho '{said}'\nexit {code}\n")
    (folder / "pgbackrest").chmod(0o755)
    (folder / archive.SCRIPT).write_text(archive.script(Path("/conf"), folder, folder, floor))
    assert "pgbackrest" in archive.command(folder)
    command = archive.command(folder).replace("%p", "pg_wal/1")
    environment = {"PATH": f"{folder}:/usr/bin:/bin"}
    ended = subprocess.run(["sh", "-c", command], env=environment, check=False).returncode
    return ended, archive.look(folder, folder, folder)


def test_the_command_ends_as_pgbackrest_does_and_leaves_a_note(tmp_path: Path) -> None:
    for code in (82, 0):
        ended, seen = push(tmp_path, code)
        assert (ended, seen.code, seen.given_up) == (code, code, None)


def test_wal_that_pgbackrest_gives_up_is_noted(tmp_path: Path) -> None:
    ended, seen = push(tmp_path, 0, "WARN: dropped WAL file because archive queue exceeded 2GB")
    assert ended == 0
    assert seen.given_up is not None


@pytest.mark.parametrize(("code", "given_up"), [(82, True), (0, False)])
def test_where_the_disk_is_short_no_wal_waits(tmp_path: Path, code: int, given_up: bool) -> None:
    ended, seen = push(tmp_path, code, floor=2**62)
    assert (ended, seen.code, seen.given_up is not None) == (0, 0, given_up)


def test_another_history_is_known_until_an_operator_removes_the_note(tmp_path: Path) -> None:
    push(tmp_path, archive.DIFFERENT_WAL)
    assert push(tmp_path, 0)[1].code == archive.DIFFERENT_WAL
    (tmp_path / archive.SPLIT).unlink()
    assert push(tmp_path, 0)[1].code == 0
