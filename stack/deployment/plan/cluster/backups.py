"""What an operator should know of the backups: how old the last one is, and whether all WAL is stored."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from deployment.plan.cluster.picture import Backups, Picture

# What pgBackRest ends with when the store holds another file of the same name.
DIFFERENT_WAL = 45
LATE_SECONDS = 300.0
SILENT_SECONDS = 60.0
# A daily one, and half of a day for it to be made.
OLD_SECONDS = 36 * 3600.0
HEADINGS = ("BACKUP", "TYPE", "COMPLETE (UTC)", "DATABASE", "STORED", "WAL", "RESTORED")
LOGS = "python3 deploy.py logs backup"
MAKE, ADOPT = "python3 deploy.py backup", "python3 deploy.py backup adopt"
# What the runner says of a store that had another database: after a loss it belongs to the one that is gone.
FOREIGN = "the store belongs to another database"


def line(backups: Mapping[str, Any], at: float) -> str:
    """Say in one line how old the last backup is, and whether the WAL since then is stored."""
    last = f"{backups['type']}, {ago(at - _seconds(backups['stop']))} ago" if backups["stop"] else "none yet"
    busy = ", one is being made" if backups["running"] else ""
    stored = (
        "some WAL is not stored"
        if _lost(backups)
        else _archive(backups["waiting"], backups["oldest_seconds"])
    )
    return f"Backups: last {last}{busy}; {stored}"


def sentence(what: str, command: str) -> str:
    """Say in one line what is wrong, and what to do."""
    return f"{what}; look at `{command}`" if command == LOGS else f"{what}; run `{command}`"


def warnings(picture: Picture) -> list[tuple[str, str]]:
    """Say what is wrong with the backups, and what to do; votes do not suffer from it."""
    found = picture.backups
    if found is None or picture.at is None:
        return []
    return [*_of_archive(found), *_of_runner(found), *_of_age(found, picture.at)]


def ago(seconds: float) -> str:
    """Say a length of time in its largest unit."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(0, int(seconds))} s"


def size(count: float) -> str:
    """Say a number of bytes for people."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


def table(found: Mapping[str, Any]) -> list[str]:
    """Return the backups as lines of text, the oldest first."""
    rows = [HEADINGS, *map(_row, found["backups"])]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        one["label"] + (" DAMAGED" if one["damaged"] else "") + (" FORMER" if one.get("former") else ""),
        one["type"],
        one["stop"][:16].replace("T", " "),
        size(one["size"]),
        size(one["stored"]),
        f"{one['wal_start']} to {one['wal_stop'][-8:]}",
        (one["restored"] or "never")[:16].replace("T", " "),
    )


def _archive(waiting: int | None, oldest: float | None) -> str:
    if waiting is None:
        return "whether WAL is stored is unknown"
    return (
        f"{waiting} files of WAL wait, the first for {ago(oldest or 0)}" if waiting else "all WAL is stored"
    )


def _of_archive(found: Backups) -> list[tuple[str, str]]:
    if found.code == DIFFERENT_WAL:
        split = (
            "the store holds other WAL of the same name: there were two primaries, or another database uses "
            "the store. Nothing is overwritten, newer votes may not be stored (docs/runbooks/ArchiveSplit.md)"
        )
        return [(split, LOGS)]
    if found.waiting and (found.oldest_seconds or 0) > LATE_SECONDS:
        late, kept = ago(found.oldest_seconds or 0), size(found.wal_bytes or 0)
        what = (
            f"WAL has not been stored for {late}: what was voted since then is in no backup, and "
            f"{kept} of WAL are on the primary's disk"
        )
        return [(what, LOGS)]
    if _lost(vars(found)):
        gone = (
            "WAL that could not be stored was given up, for the disk's sake: what was voted then is in no "
            "backup until another one is made"
        )
        return [(gone, MAKE)]
    return []


def _lost(backups: Mapping[str, Any]) -> bool:
    """Say whether WAL was given up, and no backup has been made since."""
    given_up, stop = backups.get("given_up"), backups["stop"]
    return given_up is not None and (stop is None or _seconds(given_up) > _seconds(stop))


def _of_runner(found: Backups) -> list[tuple[str, str]]:
    if found.told is None or found.told > SILENT_SECONDS:
        return [("the runner of the backups says nothing", LOGS)]
    if found.problem.startswith(FOREIGN):
        return [(f"{found.problem}. If that one is gone for good, this one can have it", ADOPT)]
    return [(f"the last backup or the store failed: {found.problem}", LOGS)] if found.problem else []


def _of_age(found: Backups, at: float) -> list[tuple[str, str]]:
    if found.stop is None:
        return [("there is no backup yet", MAKE)]
    if at - _seconds(found.stop) <= OLD_SECONDS:
        return []
    return [(f"the last backup is {ago(at - _seconds(found.stop))} old", LOGS)]


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()
