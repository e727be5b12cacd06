#!/usr/bin/env python3
"""Print the notes of a release, or refuse it: its tag, the version and the changelog must agree."""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


class ReleaseError(Exception):
    """Why there is no such release."""


def notes(tag: str, version: str, changelog: str) -> str:
    """Return what a changelog says of the version that a tag names; raise ReleaseError if they disagree."""
    if tag != f"v{version}":
        raise ReleaseError(f"The tag is {tag}, and the version in pyproject.toml is {version}.")
    section = re.search(
        rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d\n(.*?)(?=^## |^\[|\Z)", changelog, re.M | re.S
    )
    if not section or not section[1].strip():
        raise ReleaseError(f"CHANGELOG.md has no section `## [{version}] - YYYY-MM-DD` with text.")
    return section[1].strip() + "\n"


def main(tag: str) -> None:
    """Print the notes of the release that a tag names."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    print(notes(tag, version, (ROOT / "CHANGELOG.md").read_text()), end="")


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except ReleaseError as error:
        sys.exit(f"ERROR: {error}")
