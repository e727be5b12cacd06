import os
import subprocess
import time
from pathlib import Path

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
    found = archive.look(wal(tmp_path, {"a": 30, "b": 600}), tmp_path)
    assert (found.waiting, found.wal_bytes, found.code) == (2, 3 * 16 * 2**20, 0)
    assert 600 <= found.oldest_seconds < 700


def test_where_all_is_stored_nothing_waits(tmp_path: Path) -> None:
    found = archive.look(wal(tmp_path, {}), tmp_path)
    assert (found.waiting, found.oldest_seconds) == (0, 0.0)


def test_a_node_without_data_has_no_wal(tmp_path: Path) -> None:
    assert archive.look(tmp_path / "absent", tmp_path) == archive.Archive(0, 0.0, 0, 0)


def test_the_command_ends_as_pgbackrest_does_and_leaves_a_note(tmp_path: Path) -> None:
    """PostgreSQL runs it by a shell, and PgBackRest's own codes must come through."""
    (tmp_path / "pgbackrest").write_text('#!/bin/sh\nexit "$CODE"\n')
    (tmp_path / "pgbackrest").chmod(0o755)
    for code in (45, 0):
        environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "CODE": str(code)}
        command = archive.command(Path("/conf"), tmp_path)
        assert subprocess.run(["sh", "-c", command], env=environment, check=False).returncode == code
        assert archive.look(tmp_path, tmp_path).code == code
