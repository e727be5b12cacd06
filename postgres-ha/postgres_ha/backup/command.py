"""Running pgBackRest."""

import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from postgres_ha.backup.repository import STANZA
from postgres_ha.errors import ServiceError

LOOK_SECONDS, STANZA_SECONDS = 60, 120
CREATE, UPGRADE = "stanza-create", "stanza-upgrade"
# Of its own list. 45 means two histories on one timeline, which is never written over. 58 comes, too, after a
# promotion: PostgreSQL notes its timeline with the next checkpoint, which a backup makes after it has looked.
# https://github.com/pgbackrest/pgbackrest/issues/2547
DIFFERENT_WAL, DIFFERENT_DATABASE, MISMATCH = 45, 51, 58
_ERROR = re.compile(r"ERROR: \[(\d+)\]: (.*)")


class PgBackRestError(ServiceError):
    """pgBackRest failed; the message is its own, and `code` the number that it gave."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def command(conf: Path, verb: str, *options: str) -> list[str]:
    """Return the command line of a verb of pgBackRest."""
    return ["pgbackrest", f"--config={conf}", f"--stanza={STANZA}", *options, verb]


def look(conf: Path) -> list[dict[str, Any]]:
    """Return what is in the store, as `pgbackrest info` says; raise PgBackRestError."""
    options = ("--output=json", "--log-level-console=off", "--log-level-stderr=error")
    try:
        done = subprocess.run(
            command(conf, "info", *options), capture_output=True, text=True, errors="replace",
            timeout=LOOK_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise PgBackRestError(f"the store has not answered in {LOOK_SECONDS} s", 0) from error
    if done.returncode:
        raise failure(done.stderr.splitlines(), done.returncode)
    # What it quotes of a file that it cannot read may be anything.
    found: list[dict[str, Any]] = json.loads(done.stdout, strict=False)
    return found


def change(conf: Path, verb: str) -> None:
    """Make the store ready for the database that serves; raise PgBackRestError.

    CREATE does so where there is nothing yet, and fails where it belongs to another database. UPGRADE makes
    it the one of this database, and keeps what is there of the former ones.
    """
    try:
        done = subprocess.run(
            command(conf, verb), capture_output=True, text=True, errors="replace",
            timeout=STANZA_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise PgBackRestError(f"the store was not made ready in {STANZA_SECONDS} s", 0) from error
    if done.returncode:
        raise failure([*done.stdout.splitlines(), *done.stderr.splitlines()], done.returncode)


def failure(lines: Sequence[str], code: int) -> PgBackRestError:
    """Return the error in what pgBackRest printed."""
    said = [found for line in lines if (found := _ERROR.search(line))]
    if said:
        return PgBackRestError(said[-1][2].strip(), int(said[-1][1]))
    return PgBackRestError(lines[-1].strip() if lines else f"it ended with {code}", code)
