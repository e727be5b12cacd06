"""Files that a killed server had not finished: nobody reads them, and each time there are more."""

from collections.abc import Sequence
from pathlib import Path

import structlog

from redis_gate.damage import APPEND_ONLY

# What a replica gets from its primary, and an append-only file that is written anew.
OF_REDIS = ("temp-*.rdb", "temp-*.aof", f"{APPEND_ONLY}/temp-*")
# The configuration that is written anew.
OF_SENTINEL = ("sentinel.conf.??????",)

log = structlog.get_logger()


def remove(folder: Path, patterns: Sequence[str]) -> None:
    """Remove such files, and say how many bytes they had."""
    found = [path for pattern in patterns for path in folder.glob(pattern)]
    if found:
        log.info("removed what was not finished", bytes=sum(map(_removed, found)))


def _removed(path: Path) -> int:
    """Remove a file and return its size. One that cannot be removed does not hold up the start."""
    try:
        size = path.stat().st_size
        path.unlink()
    except OSError as error:
        log.warning("cannot remove", file=str(path), error=str(error))
        return 0
    return size
