"""What this container may use."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

# Of version 2 of the kernel's control groups, then of version 1.
MEMORY_LIMIT_FILES = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def memory_limit(files: Iterable[Path] = MEMORY_LIMIT_FILES) -> int | None:
    """Return the limit of memory in bytes, from the first file that tells it; None where nothing does."""
    for file in files:
        with suppress(OSError, ValueError):
            return int(file.read_text(encoding="ascii"))
    return None
