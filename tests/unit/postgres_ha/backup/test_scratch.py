"""The place of a drill's copy: it takes no room that others need, and what was killed leaves nothing."""

import subprocess
from pathlib import Path

import pytest

from postgres_ha.backup import room, scratch
from postgres_ha.backup.room import Room
from postgres_ha.backup.scratch import Scratch
from postgres_ha.backup.verdict import BusyError, NotRunError


def test_a_restore_ends_when_the_disk_gets_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    restoring = tmp_path / "pgbackrest"
    restoring.write_text("#!/bin/sh\nexec sleep 600\n")
    restoring.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    rooms = iter([Room(100, 50), Room(100, 20), Room(100, 9)])
    monkeypatch.setattr(room, "look", lambda _place: next(rooms))
    with Scratch(tmp_path / "scratch", tmp_path) as place, pytest.raises(NotRunError, match="was given up"):
        place.restore("L", None)
    assert [path.name for path in (tmp_path / "scratch").iterdir()] == ["lock"]


@pytest.mark.parametrize("told", ["trap - QUIT", "trap '' QUIT"])
def test_what_a_killed_drill_has_left_goes_with_its_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    monkeypatch.setattr(scratch, "ORPHAN_SECONDS", 0.1)
    data = tmp_path / "pgdata"
    data.mkdir()
    with subprocess.Popen(["sh", "-c", f"{told}; exec sleep 60"], cwd=data) as orphan:
        (data / "postmaster.pid").write_text(f"{orphan.pid}\n{data}\n")
        scratch.remove_leftovers(tmp_path)
        assert orphan.wait(30) != 0
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_another_program_that_has_the_number_now_lives(tmp_path: Path) -> None:
    data = tmp_path / "pgdata"
    data.mkdir()
    with subprocess.Popen(["sleep", "600"], cwd=tmp_path.parent) as other:
        (data / "postmaster.pid").write_text(f"{other.pid}\n")
        scratch.remove_leftovers(tmp_path)
        assert other.poll() is None
        other.kill()


def test_a_drill_at_work_is_not_touched(tmp_path: Path) -> None:
    with Scratch(tmp_path, tmp_path) as first:
        first.data.mkdir()
        scratch.remove_leftovers(tmp_path)
        assert first.data.exists()
        with pytest.raises(BusyError):
            Scratch(tmp_path, tmp_path).__enter__()
