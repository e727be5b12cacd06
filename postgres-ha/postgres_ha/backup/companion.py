"""What a data node does for backups: it lets the runner read it, and hands on what the runner says."""

import time
from pathlib import Path
from typing import Any

from postgres_ha.backup import archive, repository, room
from postgres_ha.backup.server import BackupServer

LOOK_SECONDS = 5.0


class Companion:
    """Of a node whose database is backed up."""

    def __init__(self, data: Path) -> None:
        self._wal, self._volume = data / "pg_wal", data.parent
        self._server = BackupServer(repository.NODE_CONF)
        self._archive: dict[str, Any] = {}
        self._disk: dict[str, int] = {}
        self._looked = self._heard = float("-inf")
        self._report: dict[str, Any] | None = None

    def keep(self) -> None:
        """Keep pgBackRest's server running."""
        self._server.keep()

    def stop(self) -> None:
        """Stop it."""
        self._server.stop()

    def hear(self, report: dict[str, Any]) -> None:
        """Keep what the runner says."""
        self._report, self._heard = report, time.monotonic()

    def describe(self) -> dict[str, Any]:
        """Return how the WAL is stored, what the runner has said, with its age in seconds, and the disk."""
        if time.monotonic() - self._looked >= LOOK_SECONDS:
            self._looked = time.monotonic()
            self._archive = archive.look(self._wal, repository.NODE_RUNTIME, self._volume).to_json()
            self._disk = room.look(self._volume)._asdict()
        age = round(time.monotonic() - self._heard, 1)
        return {
            "archive": self._archive,
            "backup": self._report and self._report | {"age": age},
            "disk": self._disk,
        }


def write_configuration(certificate: Path, authority: Path, volume: Path) -> None:
    """Write the node's configuration of pgBackRest, with its own copy of its key; raise OSError."""
    own = repository.NODE_RUNTIME / "backup.pem"
    repository.write_private(own, certificate.read_text())
    disk = room.look(volume).total
    most = repository.most_waiting(disk)
    repository.write_private(repository.NODE_CONF, repository.node_conf(own, authority, most))
    script = archive.script(repository.NODE_CONF, repository.NODE_RUNTIME, volume, room.floor(disk))
    repository.write_private(repository.NODE_RUNTIME / archive.SCRIPT, script)
