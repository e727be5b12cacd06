"""What is in the store: the backups, and the WAL between them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

FULL, DIFFERENTIAL = "full", "diff"


@dataclass(frozen=True)
class Backup:
    """A backup: sizes in bytes, of the database and of what this backup takes of the store."""

    label: str
    type: str
    start: datetime
    stop: datetime
    size: int
    stored: int
    wal_start: str
    wal_stop: str
    damaged: bool = False
    # Which database of the store it is of: they are counted from 1.
    database: int = 0

    @property
    def timeline(self) -> int:
        """The timeline of the database when it was complete."""
        return timeline_of(self.wal_stop)


@dataclass(frozen=True)
class Contents:
    """The backups, the oldest first, and of each database of the store its last WAL file.

    `ready` says whether anything can be stored yet. The store belongs to the `database` of that number, whose
    system identifier is `system`; it may have backups of former ones.
    """

    ready: bool = False
    backups: tuple[Backup, ...] = ()
    wal: Mapping[int, str] = field(default_factory=dict)
    percent: float | None = None
    database: int = 0
    system: str = ""

    @property
    def own(self) -> tuple[Backup, ...]:
        """The backups of the database that the store belongs to."""
        return tuple(backup for backup in self.backups if backup.database == self.database)

    @property
    def newest(self) -> Backup | None:
        """Its last backup that is whole: one with damaged pages of the database does not count."""
        return next((backup for backup in reversed(self.own) if not backup.damaged), None)

    @property
    def damage(self) -> str:
        """What is wrong with the last backup, empty if nothing is."""
        last = self.own[-1] if self.own else None
        if last is None or not last.damaged:
            return ""
        return f"the database had damaged pages in backup {last.label}: it does not count"

    def wal_stop(self, database: int) -> str:
        """Return the last WAL file of a database, empty if there is none."""
        return self.wal.get(database, "")


def timeline_of(wal: str) -> int:
    """Return the timeline of a WAL file, by its name."""
    return int(wal[:8], 16)


def contents(info: Sequence[Mapping[str, Any]]) -> Contents:
    """Read what `pgbackrest info` says of the one stanza."""
    if not info or not info[0].get("db"):
        return Contents()
    stanza = info[0]
    current = max(stanza["db"], key=lambda one: int(one["id"]))
    return Contents(
        ready=True,
        backups=tuple(sorted(map(_backup, stanza["backup"]), key=lambda backup: backup.stop)),
        wal=_last_wal(stanza["archive"]),
        percent=_percent(stanza["status"].get("lock", {}).get("backup", {})),
        database=int(current["id"]),
        system=str(current["system-id"]),
    )


def listed(found: Contents, restored: Mapping[str, str]) -> dict[str, Any]:
    """Return it as plain values, each backup with when it was last restored, if ever."""
    return {
        "backups": [
            _plain(backup)
            | {
                "restored": restored.get(backup.label),
                "former": backup.database != found.database,
            }
            for backup in found.backups
        ],
        "wal_stop": found.wal_stop(found.database),
    }


def _plain(backup: Backup) -> dict[str, Any]:
    return asdict(backup) | {"start": backup.start.isoformat(), "stop": backup.stop.isoformat()}


def _backup(fields: Mapping[str, Any]) -> Backup:
    info, times = fields["info"], fields["timestamp"]
    return Backup(
        label=str(fields["label"]),
        type=str(fields["type"]),
        start=datetime.fromtimestamp(times["start"], UTC),
        stop=datetime.fromtimestamp(times["stop"], UTC),
        size=int(info["size"]),
        stored=int(info["repository"]["delta"]),
        wal_start=str(fields["archive"]["start"]),
        wal_stop=str(fields["archive"]["stop"]),
        damaged=bool(fields.get("error")),
        database=int(fields["database"]["id"]),
    )


def _last_wal(archives: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """Return the last file of each database: a store that was given to another one has both."""
    return {int(one["database"]["id"]): str(one["max"]) for one in archives if one.get("max")}


def _percent(lock: Mapping[str, Any]) -> float | None:
    if not lock.get("held") or not lock.get("size"):
        return None
    return round(100 * int(lock.get("size-cplt", 0)) / int(lock["size"]), 1)
