"""Which files of a node cannot be used, and what becomes of them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from redis_gate.damage import (
    APPEND_ONLY,
    MANIFEST,
    append_only_damage,
    holds_data,
    manifest_damage,
    refusal,
    set_aside,
)

BASE, INCR = "appendonly.aof.2.base.rdb", "appendonly.aof.2.incr.aof"
LATER = "appendonly.aof.3.incr.aof"
NAMED = f"file {BASE} seq 2 type b\nfile {INCR} seq 2 type i startoffset 200\n"
FILES = {BASE: 2500, INCR: 21000}


@pytest.mark.parametrize(
    ("manifest", "sizes", "expected"),
    [
        (NAMED, FILES, None),
        (NAMED, {BASE: 88, INCR: 0}, None),
        (None, {}, None),
        (None, {"appendonly.aof.1.base.rdb": 88, "appendonly.aof.1.incr.aof": 0}, None),
        # Left over from a rewrite that was cut short, before its end or after it.
        (NAMED, FILES | {"appendonly.aof.3.base.rdb": 900, LATER: 0}, None),
        (NAMED, FILES | {"appendonly.aof.1.base.rdb": 900, "appendonly.aof.1.incr.aof": 900}, None),
        (f"{NAMED}file appendonly.aof.1.incr.aof seq 1 type h\n", FILES, None),
        # What a named file lacks altogether Redis finds itself.
        (NAMED, {}, None),
        # Redis would start, and lack all of it or some.
        (None, FILES, f"{MANIFEST} is missing"),
        (NAMED, {BASE: 0, INCR: 21000}, f"{BASE} is empty"),
        (NAMED, {BASE: 0, INCR: 0}, f"{BASE} is empty"),
        ("", FILES, f"{MANIFEST} does not name {BASE}"),
        (f"file {BASE} seq 2 type b\n", FILES, f"{MANIFEST} does not name {INCR}"),
        (f"file {INCR} seq 2 type i\n", FILES, f"{MANIFEST} does not name {BASE}"),
        (
            NAMED,
            FILES | {"appendonly.aof.3.incr.aof": 9},
            f"{MANIFEST} does not name appendonly.aof.3.incr.aof",
        ),
    ],
)
def test_manifest(manifest: str | None, sizes: dict[str, int], expected: str | None) -> None:
    assert manifest_damage(manifest, sizes) == expected


BAD_FORMAT = f"Bad file format reading the append only file {INCR}: make a backup"
LOG = f"""
34:C 28 Nov 2026 06:46:27.826 # WARNING Memory overcommit must be enabled! Without it, a save may fail
34:M 28 Nov 2026 06:46:27.836 * Server initialized
34:M 28 Nov 2026 06:46:27.836 #{" "}
34:M 28 Nov 2026 06:46:27.837 # {BAD_FORMAT}
"""


@pytest.mark.parametrize(
    ("code", "log", "expected"),
    [
        (1, LOG, BAD_FORMAT),
        (1, "", "Redis ended with 1 while it read its files"),
        (-11, LOG, "Redis ended with -11 while it read its files"),
        (-6, LOG, "Redis ended with -6 while it read its files"),
        # Other ends are no fault of the files: stopped, killed for want of memory, a full disk.
        (0, LOG, None),
        (None, LOG, None),
        (-9, LOG, None),
        (-15, LOG, None),
        (1, LOG.replace(BAD_FORMAT, "Fail to persist manifest: No space left on device"), None),
    ],
)
def test_refusal(code: int | None, log: str, expected: str | None) -> None:
    assert refusal(code, log) == expected


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A volume with data whose manifest is gone."""
    (tmp_path / APPEND_ONLY).mkdir()
    for name, size in FILES.items():
        (tmp_path / APPEND_ONLY / name).write_bytes(bytes(size))
    return tmp_path


def test_data_without_manifest_is_damaged(data: Path) -> None:
    assert append_only_damage(data) == f"{MANIFEST} is missing"


def test_garbage_in_the_manifest_is_damage(data: Path) -> None:
    (data / APPEND_ONLY / MANIFEST).write_bytes(bytes(range(256)))
    assert append_only_damage(data) == f"{MANIFEST} does not name {BASE}"


def test_what_cannot_be_read_is_damaged_and_not_empty(tmp_path: Path) -> None:
    (tmp_path / APPEND_ONLY).write_text("a file in the place of the directory")
    assert holds_data(tmp_path)
    assert append_only_damage(tmp_path) == f"cannot read {tmp_path / APPEND_ONLY}: Not a directory"


def test_what_is_set_aside_is_kept_and_the_newest_two_times(data: Path) -> None:
    moment = datetime(2026, 11, 28, tzinfo=UTC)
    kept = [set_aside(data / APPEND_ONLY, moment)]
    assert (kept[0] / BASE).stat().st_size == FILES[BASE]
    assert append_only_damage(data) is None
    assert not holds_data(data)
    for day in (1, 2):
        (data / APPEND_ONLY).mkdir()
        kept.append(set_aside(data / APPEND_ONLY, moment + timedelta(days=day)))
    assert sorted(data.iterdir()) == kept[1:]


def test_a_file_is_set_aside_too(tmp_path: Path) -> None:
    moment = datetime(2026, 11, 28, tzinfo=UTC)
    for day in range(3):
        (tmp_path / "sentinel.conf").write_text("garbage")
        set_aside(tmp_path / "sentinel.conf", moment + timedelta(days=day))
    assert len(list(tmp_path.iterdir())) == 2
