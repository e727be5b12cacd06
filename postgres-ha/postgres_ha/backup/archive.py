"""The WAL of this node that is still to be stored."""

import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SEGMENT_BYTES = 16 * 2**20
SEGMENT_NAME = 24
READY = ".ready"
# What the archive command ended with last, in a file beside the configuration.
RESULT = "archive-result"
# pgBackRest makes no backup unless the archive command has its name in it.
SCRIPT = "pgbackrest-archive"
# On the volume: that WAL was given up, with the time of the file, and that the store held another history.
# The second is removed by an operator alone.
GIVEN_UP, SPLIT = "archive-given-up", "archive-split"
DIFFERENT_WAL = 45

_SCRIPT = """\
#!/bin/sh
# Store a file of WAL; where that fails and the disk is short, give it up: the votes need that room.
said=$(pgbackrest --config={conf} --stanza=votes archive-push "$1" 2>&1)
code=$?
[ -z "$said" ] || echo "$said"
case $said in *"dropped WAL file"*) touch {volume}/{given_up} ;; esac
[ $code -ne {different} ] || touch {volume}/{split}
if [ $code -ne 0 ]; then
    set -- $(stat -f -c "%a %S" {volume})
    if [ $(($1 * $2)) -lt {floor} ]; then
        echo "WAL is given up, so that the disk does not fill"
        touch {volume}/{given_up}
        code=0
    fi
fi
echo $code > {runtime}/{result}
exit $code
"""


@dataclass(frozen=True)
class Archive:
    """How many files wait, the oldest for how many seconds, the size of all WAL, and the last exit code.

    `given_up` is when WAL was last given up, in seconds since 1970, None if it never was. The code stays that
    of a split until an operator has removed its note.
    """

    waiting: int
    oldest_seconds: float
    wal_bytes: int
    code: int
    given_up: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def look(wal: Path, runtime: Path, volume: Path) -> Archive:
    """Look at a `pg_wal` directory; one that is not there holds nothing."""
    code = DIFFERENT_WAL if (volume / SPLIT).exists() else _last_code(runtime)
    given_up = _time_of(volume / GIVEN_UP)
    try:
        segments = sum(len(name) == SEGMENT_NAME for name in os.listdir(wal))
        notes = list(os.scandir(wal / "archive_status"))
    except OSError:
        return Archive(0, 0.0, 0, code, given_up)
    ready = [_changed(note) for note in notes if note.name.endswith(READY)]
    oldest = max(0.0, time.time() - min(ready)) if ready else 0.0
    return Archive(len(ready), round(oldest, 1), segments * SEGMENT_BYTES, code, given_up)


def command(runtime: Path) -> str:
    """Return the archive command."""
    return f"sh {runtime / SCRIPT} %p"


def script(conf: Path, runtime: Path, volume: Path, floor: int) -> str:
    """Return what it runs: it keeps what it ended with. Below `floor` free bytes nothing waits."""
    return _SCRIPT.format(
        conf=conf, runtime=runtime, volume=volume, floor=floor, result=RESULT, given_up=GIVEN_UP,
        split=SPLIT, different=DIFFERENT_WAL,
    )  # fmt: skip


def _changed(entry: os.DirEntry[str]) -> float:
    try:
        return entry.stat().st_mtime
    except OSError:
        return time.time()  # it was stored meanwhile


def _time_of(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None


def _last_code(runtime: Path) -> int:
    try:
        return int((runtime / RESULT).read_text())
    except (OSError, ValueError):
        return 0
