"""A clone has the line ends of Linux, also where git is told to give it those of Windows."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PICTURE = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
AUTHOR = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false")


def git(*arguments: str | Path) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_clone_with_autocrlf_has_our_line_ends(tmp_path: Path) -> None:
    source, clone = tmp_path / "source", tmp_path / "clone"
    git("init", "--quiet", source)
    shutil.copy(ROOT / ".gitattributes", source)
    (source / "start").write_bytes(b"#!/bin/sh\nexec redis\n")
    (source / "page.png").write_bytes(PICTURE)
    git("-C", source, "-c", "core.autocrlf=true", "add", ".")
    git("-C", source, *AUTHOR, "commit", "--quiet", "--message", "everything")
    git("-c", "core.autocrlf=true", "clone", "--quiet", source, clone)
    assert (clone / "start").read_bytes() == b"#!/bin/sh\nexec redis\n"
    assert (clone / "page.png").read_bytes() == PICTURE
