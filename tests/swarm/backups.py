"""The backups of the stack that is up here."""

import json
from typing import Any

from kit.local import deploy, verb
from kit.waiting import wait_until

FIRST_SECONDS = 120
STORE = {"BACKUP_STORE": "volume"}


def turn_on() -> None:
    """Deploy with a store: each node of the database restarts."""
    done = deploy(**STORE)
    assert done.returncode == 0, done.stderr


def turn_off() -> None:
    """Deploy without a store."""
    done = deploy()
    assert done.returncode == 0, done.stderr


def listed() -> list[dict[str, Any]]:
    """Return the backups that `backups` shows."""
    done = verb("backups", "--json")
    return list(json.loads(done.stdout)["backups"]) if done.returncode == 0 else []


def wait_for_the_first() -> None:
    """Wait until there is a backup."""
    wait_until(lambda: bool(listed()), FIRST_SECONDS)
