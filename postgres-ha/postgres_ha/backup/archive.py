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


@dataclass(frozen=True)
class Archive:
    """How many files wait, the oldest for how many seconds, the size of all WAL, and the last exit code."""

    waiting: int
    oldest_seconds: float
    wal_bytes: int
    code: int

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def look(wal: Path, runtime: Path) -> Archive:
    """Look at a `pg_wal` directory; one that is not there holds nothing."""
    try:
        segments = sum(len(name) == SEGMENT_NAME for name in os.listdir(wal))
        notes = list(os.scandir(wal / "archive_status"))
    except OSError:
        return Archive(0, 0.0, 0, _last_code(runtime))
    ready = [_changed(note) for note in notes if note.name.endswith(READY)]
    oldest = max(0.0, time.time() - min(ready)) if ready else 0.0
    return Archive(len(ready), round(oldest, 1), segments * SEGMENT_BYTES, _last_code(runtime))


def command(conf: Path, runtime: Path) -> str:
    """Return the archive command, which keeps what it ended with."""
    push = f"pgbackrest --config={conf} --stanza=votes archive-push %p"
    return f"{push}; code=$?; echo $code > {runtime / RESULT}; exit $code"


def _changed(entry: os.DirEntry[str]) -> float:
    try:
        return entry.stat().st_mtime
    except OSError:
        return time.time()  # it was stored meanwhile


def _last_code(runtime: Path) -> int:
    try:
        return int((runtime / RESULT).read_text())
    except (OSError, ValueError):
        return 0
