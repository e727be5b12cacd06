"""What a server that was killed had not finished goes; whatever is read again stays."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from redis_gate.leftovers import OF_REDIS, OF_SENTINEL, remove

DATA = (
    "appendonlydir/appendonly.aof.manifest",
    "appendonlydir/appendonly.aof.2.base.rdb",
    "appendonlydir/appendonly.aof.2.incr.aof",
    "appendonlydir.damaged-20261128T000000000000Z/temp-appendonly.aof.manifest",
    "dump.rdb",
    "sentinel.conf",
    "sentinel.conf.damaged-20261128T000000000000Z",
)


def written(folder: Path, *names: str) -> None:
    """Write ten bytes into each."""
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(bytes(10))


def left(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("patterns", "unfinished"),
    [
        (OF_REDIS, ("temp-1796069552.41.rdb", "temp-41.rdb")),
        (OF_REDIS, ("temp-rewriteaof-41.aof", "temp-rewriteaof-bg-41.aof")),
        (OF_REDIS, ("appendonlydir/temp-appendonly.aof.manifest", "appendonlydir/temp-appendonly.aof.incr")),
        (OF_SENTINEL, ("sentinel.conf.x3Kd9Q", "sentinel.conf.000000")),
    ],
)
def test_unfinished_files_go_and_all_others_stay(
    tmp_path: Path, patterns: tuple[str, ...], unfinished: tuple[str, ...]
) -> None:
    written(tmp_path, *DATA, *unfinished)
    with capture_logs() as told:
        remove(tmp_path, patterns)
    assert left(tmp_path) == set(DATA)
    assert [line["bytes"] for line in told] == [20]


def test_where_all_was_finished_nothing_is_said(tmp_path: Path) -> None:
    written(tmp_path, *DATA)
    with capture_logs() as told:
        remove(tmp_path, OF_REDIS)
    assert (left(tmp_path), told) == (set(DATA), [])


def test_what_cannot_be_removed_does_not_hold_up_the_start(tmp_path: Path) -> None:
    (tmp_path / "temp-41.rdb").mkdir()
    with capture_logs() as told:
        remove(tmp_path, OF_REDIS)
    assert [line["event"] for line in told] == ["cannot remove", "removed what was not finished"]
