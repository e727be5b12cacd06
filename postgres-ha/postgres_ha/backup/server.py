"""pgBackRest's TLS server as a child process: so the runner reads a data node, and a node sends its WAL."""

import subprocess
import time
from pathlib import Path

import structlog

from postgres_ha import child
from postgres_ha.backup.command import command

log = structlog.get_logger()

RESTART_SECONDS = 2.0
STOP_SECONDS = 3.0


class BackupServer:
    """Keep the server running."""

    def __init__(self, conf: Path) -> None:
        # The server takes no stanza: its clients name theirs.
        self._command = [word for word in command(conf, "server") if not word.startswith("--stanza")]
        self._process: subprocess.Popen[bytes] | None = None
        self._not_before = 0.0

    def keep(self) -> None:
        """Start it, unless it runs or has just ended."""
        if self._process is not None and self._process.poll() is not None:
            log.warning("pgbackrest server ended", code=self._process.returncode)
            self._process = None
        if self._process is None and time.monotonic() >= self._not_before:
            self._not_before = time.monotonic() + RESTART_SECONDS
            self._process = subprocess.Popen(self._command)

    def stop(self) -> None:
        """Stop it."""
        if self._process is None:
            return
        child.end(self._process, STOP_SECONDS)
        self._process = None
