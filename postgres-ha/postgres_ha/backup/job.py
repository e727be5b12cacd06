"""One backup, made by pgBackRest beside the runner's loop."""

import re
import subprocess
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from postgres_ha.backup.command import PgBackRestError, command, failure
from postgres_ha.backup.schedule import Due

log = structlog.get_logger()

KEPT_LINES = 50
STOP_SECONDS = 5.0
_LABEL = re.compile(r"new backup label = (\S+)")


@dataclass
class Job:
    """What is being made: once it is `over`, it has a label or an error."""

    id: str
    due: Due
    conf: Path
    label: str = ""
    error: str = ""
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

    def describe(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"id": self.id, "type": self.due.type, "reason": self.due.reason}

    def _run(self) -> None:
        try:
            self.label = self._make()
            log.info("backup ended", label=self.label)
        except PgBackRestError as error:
            self.error = f"{error} (pgBackRest {error.code})"
            log.warning("backup failed", reason=str(error), code=error.code)
        except OSError as error:
            self.error = str(error)
            log.warning("backup failed", reason=str(error))
        finally:
            self.over.set()

    def _make(self) -> str:
        """Make the backup, hand on what pgBackRest says, and return the label; raise PgBackRestError."""
        words = command(self.conf, "backup", f"--type={self.due.type}")
        lines: deque[str] = deque(maxlen=KEPT_LINES)
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            self.process = process
            for line in process.stdout or ():
                print(line, end="", flush=True)
                lines.append(line)
        if process.returncode:
            raise failure(tuple(lines), process.returncode)
        return label_in(lines)


def label_in(lines: Iterable[str]) -> str:
    """Return the label of the backup that pgBackRest says it has made; raise PgBackRestError without one."""
    for line in lines:
        if found := _LABEL.search(line):
            return found[1]
    raise PgBackRestError("it ended well, and named no backup", 0)
