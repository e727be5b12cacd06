"""Room on a disk that votes are written to, too: what backups and drills must leave there."""

import shutil
from pathlib import Path
from typing import NamedTuple

GIB = 2**30
MOST_LEFT_BYTES = 8 * GIB


class Room(NamedTuple):
    """The size of a disk, and what is free there, in bytes."""

    total: int
    free: int


def look(place: Path) -> Room:
    """Look at the disk of a place; raise OSError."""
    usage = shutil.disk_usage(place)
    return Room(usage.total, usage.free)


def left(total: int) -> int:
    """Return what must be free after whatever is begun: a fifth of the disk, at most 8 GiB."""
    return min(MOST_LEFT_BYTES, total // 5)


def floor(total: int) -> int:
    """Return where whatever is at work ends, before it takes more."""
    return left(total) // 2


def is_short(room: Room) -> bool:
    """Whether nothing more may be written."""
    return room.free < floor(room.total)


def shortage(room: Room, needed: int) -> str:
    """Say what is missing for something that needs so many bytes; empty if there is room."""
    wanted = needed + left(room.total)
    if room.free >= wanted:
        return ""
    return f"{wanted // 2**20} MiB must be free on its disk, and {room.free // 2**20} MiB are"
