from __future__ import annotations

from pathlib import Path

import pytest

from result.container import memory_limit
from result.places import MEBIBYTE, MOST, connections, places

MANY_FILES = 2**20


@pytest.mark.parametrize(
    ("memory_bytes", "files", "viewers"),
    [
        (None, MANY_FILES, MOST),
        (2**63 - 4096, MANY_FILES, MOST),
        (384 * MEBIBYTE, MANY_FILES, 2901),
        (116 * MEBIBYTE, MANY_FILES, 42),
        (384 * MEBIBYTE, 1024, 174),
        (64 * MEBIBYTE, MANY_FILES, 1),
        (None, 256, 1),
    ],
)
def test_the_scarcer_of_memory_and_files_decides(memory_bytes: int | None, files: int, viewers: int) -> None:
    assert places(memory_bytes, files) == viewers


def test_every_connection_of_the_most_viewers_is_taken() -> None:
    assert places(None, connections(MOST)) == MOST


@pytest.mark.parametrize(
    ("first", "second", "limit"),
    [("123\n", "456\n", 123), ("max\n", None, None), (None, "456\n", 456), (None, None, None)],
)
def test_the_limit_of_memory(
    tmp_path: Path, first: str | None, second: str | None, limit: int | None
) -> None:
    files = (tmp_path / "memory.max", tmp_path / "memory.limit_in_bytes")
    for file, content in zip(files, (first, second), strict=True):
        if content is not None:
            file.write_text(content)
    assert memory_limit(files) == limit
