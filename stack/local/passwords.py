"""Make passwords, each once, and the accounts of Redis that have some of them.

Usage: python -m local.passwords NAME...
"""

from __future__ import annotations

import os
import re
import secrets
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from redis_gate.acl import REDIS_RULES, acl_file

FOLDER = Path("/data")
BYTES = 32
OF_REDIS = re.compile(r"redis_(\w+)_password")


def make(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Return the passwords by name, those that are there already as they are."""
    for name in names:
        if not (folder / name).exists():
            _write(folder / name, secrets.token_urlsafe(BYTES))
    return {name: (folder / name).read_text() for name in names}


def accounts(passwords: Mapping[str, str]) -> str:
    """Return the ACL file of a Redis that has the accounts whose passwords are among these."""
    found = {match[1]: text for name, text in passwords.items() if (match := OF_REDIS.fullmatch(name))}
    return acl_file({account: REDIS_RULES[account] for account in found}, found)


def main(names: list[str]) -> None:
    """Fill the folder, and let every service in that mounts it."""
    FOLDER.chmod(0o755)
    _write(FOLDER / "users.acl", accounts(make(FOLDER, names)))


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all; the services that read it are of different users."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)  # who was killed left one that nobody may write
    draft.write_text(text)
    draft.chmod(0o444)
    os.replace(draft, path)


if __name__ == "__main__":
    main(sys.argv[1:])
