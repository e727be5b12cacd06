"""What this container takes of memory and CPU, as the kernel counts it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

from .container import MEMORY_LIMIT_FILES, memory_limit

ROOT = Path("/sys/fs/cgroup")
# What version 1 of the kernel's control groups says where there is no limit; a page less than what fits.
UNLIMITED_BYTES = 2**60

N = TypeVar("N", int, float)


class Usage(NamedTuple):
    """Bytes of memory, the limit of it, and seconds of CPU since the start; None where nothing tells."""

    memory: int | None
    memory_limit: int | None
    cpu_seconds: float | None


def read(root: Path = ROOT) -> Usage:
    """Return what the files of version 2 say, else those of version 1.

    Memory is without the files' pages that the kernel would take back first, as in `docker stats`.
    """
    limit = memory_limit(root / file.relative_to(ROOT) for file in MEMORY_LIMIT_FILES)
    return Usage(
        _first(
            lambda: _number(root / "memory.current") - _line(root / "memory.stat", "inactive_file"),
            lambda: (
                _number(root / "memory/memory.usage_in_bytes")
                - _line(root / "memory/memory.stat", "total_inactive_file")
            ),
        ),
        None if limit is None or limit >= UNLIMITED_BYTES else limit,
        _first(
            lambda: _line(root / "cpu.stat", "usage_usec") / 1e6,
            lambda: _number(root / "cpuacct/cpuacct.usage") / 1e9,
        ),
    )


def _first(*ways: Callable[[], N]) -> N | None:
    """Return what the first way gives that works."""
    for way in ways:
        with suppress(OSError, ValueError, KeyError):
            return way()
    return None


def _number(file: Path) -> int:
    return int(file.read_text(encoding="ascii"))


def _line(file: Path, name: str) -> int:
    """Return the number that stands after a name."""
    lines = (line.split() for line in file.read_text(encoding="ascii").splitlines())
    return int({line[0]: line[1] for line in lines}[name])
