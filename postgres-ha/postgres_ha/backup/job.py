"""One backup, made by pgBackRest beside the runner's loop."""

import re
import subprocess
import threading
import time
import traceback
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from postgres_ha.backup import report
from postgres_ha.backup.command import MISMATCH, PgBackRestError, command, failure, look
from postgres_ha.backup.schedule import Due

log = structlog.get_logger()

KEPT_LINES = 50
STOP_SECONDS = 5.0
EXPIRE_SECONDS = 600
_LABEL = re.compile(r"new backup label = (\S+)")


@dataclass
class Job:
    """What is being made: once it is `over`, it has a label or an error."""

    id: str
    due: Due
    conf: Path
    label: str = ""
    error: str = ""
    # What is wrong though the backup is there.
    warning: str = ""
    # Why it is to end before it is complete.
    given_up: str = ""
    ended: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)
    process: subprocess.Popen[str] | None = None

    def start(self) -> "Job":
        """Begin it."""
        log.info("backup begins", type=self.due.type, reason=self.due.reason)
        threading.Thread(target=self._run, daemon=True).start()
        return self

    def stop(self) -> None:
        """End it: what it has stored so far, the next backup takes up."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.over.wait(STOP_SECONDS)

    def give_up(self, reason: str) -> None:
        """End it for a reason, at once and as often as it is asked for."""
        self.given_up = reason
        if self.process and self.process.poll() is None:
            self.process.terminate()

    def describe(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"id": self.id, "type": self.due.type, "reason": self.due.reason}

    def _run(self) -> None:
        try:
            self.label = self._made()
            log.info("backup ended", label=self.label)
        except PgBackRestError as error:
            self.error = self.given_up or f"{error} (pgBackRest {error.code})"
            log.warning("backup failed", reason=str(error), code=error.code)
        except OSError as error:
            self.error = str(error)
            log.warning("backup failed", reason=str(error))
        except Exception as error:  # noqa: BLE001 - shown, and whatever it is, the next one may succeed
            traceback.print_exc()
            self.error = repr(error)
        finally:
            self.ended = time.monotonic()
            self.over.set()

    def _made(self) -> str:
        """Make the backup; where a primary is so new that its timeline is noted by this alone, once more."""
        try:
            return self._make()
        except PgBackRestError as error:
            if error.code != MISMATCH or self.given_up:
                raise
            log.info("backup begins again", reason=str(error))
            return self._make()

    def _make(self) -> str:
        """Make the backup, hand on what pgBackRest says, and return the label; raise PgBackRestError."""
        # One that is damaged must not push out the last that is whole.
        words = command(self.conf, "backup", f"--type={self.due.type}", "--no-expire-auto")
        lines: deque[str] = deque(maxlen=KEPT_LINES)
        label = ""
        with subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        ) as process:
            self.process = process
            for line in process.stdout or ():
                print(line, end="", flush=True)
                lines.append(line)
                label = label_in(line) or label
        if process.returncode:
            raise failure(tuple(lines), process.returncode)
        if not label:
            raise PgBackRestError("it ended well, and named no backup", 0)
        self._expire(label)
        return label

    def _expire(self, label: str) -> None:
        """Let those go whose time is over, unless this one is damaged."""
        try:
            found = {one.label: one for one in report.contents(look(self.conf)).backups}
            if label in found and not found[label].damaged:
                expire(self.conf)
        except (PgBackRestError, subprocess.TimeoutExpired) as error:
            self.warning = f"older backups could not be removed: {error}"
            log.warning("expire failed", reason=str(error))


def expire(conf: Path) -> None:
    """Remove the backups whose time is over; raise PgBackRestError or TimeoutExpired."""
    done = subprocess.run(
        command(conf, "expire"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", timeout=EXPIRE_SECONDS, check=False,
    )  # fmt: skip
    print(done.stdout, end="", flush=True)
    if done.returncode:
        raise failure(done.stdout.splitlines(), done.returncode)


def label_in(line: str) -> str:
    """Return the label of the backup that pgBackRest says it has made, empty if it does not say so here."""
    found = _LABEL.search(line)
    return found[1] if found else ""
