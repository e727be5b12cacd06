"""Running pgBackRest."""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from postgres_ha.backup.repository import STANZA
from postgres_ha.errors import ServiceError

LOOK_SECONDS, STANZA_SECONDS = 60, 120
# pgBackRest gives up after nine times this: 45 s, which is less than LOOK_SECONDS.
ANSWER_SECONDS = 5
# How `info` ends well where it could not look; what it says then is as long as an answer by HTTP.
UNSEEN = 99
CREATE, UPGRADE = "stanza-create", "stanza-upgrade"
# Of its own list. 45 means two histories on one timeline, which is never written over. 58 comes, too, after a
# promotion: PostgreSQL notes its timeline with the next checkpoint, which a backup makes after it has looked.
# https://github.com/pgbackrest/pgbackrest/issues/2547
DIFFERENT_WAL, DIFFERENT_DATABASE, MISMATCH = 45, 51, 58
_ERROR = re.compile(r"ERROR: \[(\d+)\]: (.*)")
_KIND = re.compile(r"^\[\w+\] ")
# Up to what a file that cannot be decrypted seems to hold.
_CAUSE = re.compile(r"^\s*\w+Error: ([ -~]+)", re.MULTILINE)
_ANSWER = re.compile(r"<Code>(\w+)</Code>")


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
    options = (
        *("--output=json", "--log-level-console=off", "--log-level-stderr=error"),
        f"--io-timeout={ANSWER_SECONDS}",
    )
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
    _require_seen(found)
    return found


def _require_seen(found: Sequence[Mapping[str, Any]]) -> None:
    """Raise PgBackRestError where a store could not be looked at, which then seems to be empty."""
    for status in (store["status"] for stanza in found for store in stanza.get("repo", ())):
        if status["code"] == UNSEEN:
            raise PgBackRestError(_in_one_line(_KIND.sub("", status["message"])), UNSEEN)


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
    said = [(found, number) for number, line in enumerate(lines) if (found := _ERROR.search(line))]
    if said:
        error, number = said[-1]
        return PgBackRestError(_in_one_line("\n".join([error[2], *lines[number:]])), int(error[1]))
    return PgBackRestError(lines[-1].strip() if lines else f"it ended with {code}", code)


def _in_one_line(said: str) -> str:
    """Return the first line, its cause, and the word by which a store refuses, which comes below headers."""
    first = next(iter(said.splitlines()), "").strip()
    if first.endswith(":") and (cause := _CAUSE.search(said)):
        first = f"{first} {cause[1].strip()}"
    answer = _ANSWER.search(said)
    return f"{first} {answer[1]}" if answer else first.removesuffix(":")
