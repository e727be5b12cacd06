"""What a drill's copy shows, and what that says of the backup: pure decisions."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from postgres_ha.backup import room
from postgres_ha.backup.report import Backup, Contents
from postgres_ha.backup.room import Room
from postgres_ha.errors import ServiceError

SEGMENT_BYTES = 16 * 1024 * 1024
# What pgBackRest exits with where a file of the repository is there no more, or is not what it wrote.
DAMAGE = {26: "checksum", 28: "file invalid", 29: "format", 55: "file missing", 95: "decryption", 99: "JSON"}
NOT_FOUND = 1
_NO_TEXT = re.compile("[^ -~]+")
# The same by name, as it says them of WAL.
_DAMAGED = re.compile(r"\[(Checksum|FileInvalid|Format|Crypto|FileMissing|JsonFormat)Error\]")
# It has one number for what cannot be decrypted and for a store whose certificate is not good.
_CERTIFICATE = re.compile(r"\bcertificate\b")
_UNREACHED = "before configured recovery target was reached"
_FATAL = re.compile("(?:FATAL|PANIC):")
_TURNED_AWAY = re.compile("the database system is ")
_LACKING = re.compile(r"WAL ends before|checkpoint record")
# The agents of the data nodes hear of it, and take no long story.
LONGEST_WHY = 500
WEEK_SECONDS, RETRY_SECONDS = 7 * 24 * 3600, 600
# A copy needs its database, which has grown since then, and WAL to replay beside it.
GROWN, WAL_ROOM_BYTES = 2, 2 * 2**30


class NotRunError(ServiceError):
    """Nothing is known of the backup: the drill could not run."""


class UnreachedError(NotRunError):
    """The archive ends before the moment that was asked for."""


class BusyError(NotRunError):
    """Another drill is at work, which will say what is known."""


class BadError(ServiceError):
    """The votes cannot be had back from this backup as they were."""


class Outcome(Enum):
    """How a drill ended."""

    GOOD = "good"
    BAD = "bad"
    NOT_RUN = "not run"


EXIT_CODES = {Outcome.GOOD: 0, Outcome.BAD: 1, Outcome.NOT_RUN: 4}


@dataclass(frozen=True)
class Copy:
    """What a restored copy holds: votes counted, and what the copy itself says that they must be.

    `moment` is when its last transaction was committed, in seconds since 1970, None if it replayed none.
    """

    counted: Mapping[str, int]
    tally: Mapping[str, int]
    hash: int
    fingerprint: int | None
    moment: float | None

    @property
    def rows(self) -> int:
        """How many votes there are."""
        return sum(self.counted.values())


@dataclass(frozen=True)
class Report:
    """A drill's outcome, as it is printed and kept; `moment` and `began` in seconds since 1970."""

    outcome: Outcome
    began: float
    seconds: float
    why: str = ""
    backup: str | None = None
    moment: float | None = None
    age_seconds: float | None = None
    rows: int | None = None
    votes: Mapping[str, int] = field(default_factory=dict)
    fingerprint: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        why = _NO_TEXT.sub("?", self.why)[:LONGEST_WHY]
        return asdict(self) | {"outcome": self.outcome.value, "why": why}


def status(info: Sequence[Mapping[str, Any]]) -> str:
    """Return what `pgbackrest info` says of the store."""
    found = [part["status"]["message"] for stanza in info for part in (stanza, *stanza.get("repo", ()))]
    return ": ".join(dict.fromkeys(found)) or "it is empty"


def choose(found: Contents, label: str, status: str, to: datetime | None = None) -> Backup:
    """Return the backup of a label, or the newest that was complete at a moment; raise NotRunError.

    `status` is what the store says of itself.
    """
    if not found.backups:
        raise NotRunError(f"there is no backup in the store ({status})")
    complete = [backup for backup in found.backups if to is None or backup.stop < to]
    if not complete:
        raise NotRunError(f"no backup is older than that: the first was complete at {found.backups[0].stop}")
    chosen = [backup for backup in complete if (backup.label == label if label else not backup.damaged)]
    if not chosen and not label:
        raise NotRunError("the database had damaged pages in every backup; `backups` lists them")
    if not chosen:
        raise NotRunError(f"there is no backup {label}; the newest for that is {complete[-1].label}")
    return chosen[-1]


def require_room(backup: Backup, found: Room) -> None:
    """Raise NotRunError where a copy of a backup could take room on the disk that others need."""
    if short := room.shortage(found, GROWN * backup.size + WAL_ROOM_BYTES):
        raise NotRunError(f"there is no room for a copy: {short}")


def require_still_room(found: Room) -> None:
    """Raise NotRunError where the disk has become short while the copy grows."""
    if room.is_short(found):
        raise NotRunError(f"its disk became short of room, {found.free // 2**20} MiB: the copy was given up")


def restored(code: int, complaint: str, what: str) -> None:
    """Raise BadError where pgBackRest found damage, NotRunError where it failed otherwise."""
    if code in DAMAGE and not _CERTIFICATE.search(complaint):
        raise BadError(f"{what} is damaged ({DAMAGE[code]}): {complaint}")
    if code:
        raise NotRunError(f"{what} could not be read: {complaint}")


def differences(copy: Copy) -> list[str]:
    """Name what in a copy is not what its own transactions say."""
    found = [
        f"option {option}: {copy.counted.get(option, 0)} votes, the tally says {copy.tally.get(option, 0)}"
        for option in sorted(copy.counted.keys() | copy.tally.keys())
        if copy.counted.get(option, 0) != copy.tally.get(option, 0)
    ]
    if copy.fingerprint is not None and copy.hash != copy.fingerprint:
        found.append("the votes do not have the fingerprint that was kept of them: some were changed")
    return found


def judge(copy: Copy) -> None:
    """Raise BadError where votes differ, NotRunError where nobody can say so."""
    if wrong := differences(copy):
        raise BadError("; ".join(wrong))
    if copy.fingerprint is None:
        raise NotRunError(
            "the copy has no whole fingerprint of its votes: it is older than that. Try a newer backup"
        )


def noted(earlier: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Return the note of drills after one more: the last, and the last that could run.

    A drill that could not run tells nothing of the backups, so that it does not hide what is known of them.
    """
    last = report.to_json()
    ran = earlier.get("ran") if report.outcome is Outcome.NOT_RUN else last
    return {"last": last, "ran": ran}


def is_due(note: Mapping[str, Any], now: float, newest: datetime) -> bool:
    """Whether a drill is due by itself: a week after the last that ran, and ten minutes after any.

    A bad one is made again as soon as there is a newer backup, which may have mended the cause. Of one that
    lies ahead nobody knows when it was: the clock was set back since.
    """
    last, ran = note.get("last"), note.get("ran")
    if last and 0 <= now - last["began"] < RETRY_SECONDS:
        return False
    if not ran or not 0 <= now - ran["began"] < WEEK_SECONDS:
        return True
    return bool(ran["outcome"] == Outcome.BAD.value and newest.timestamp() > ran["began"])


def segment(name: str) -> int:
    """Return the number of a WAL segment by its name, whatever its timeline."""
    return int(name[8:16], 16) * (2**32 // SEGMENT_BYTES) + int(name[16:24], 16)


def is_whole(reached: int, newest: str) -> bool:
    """Whether a copy that replayed to a position, in bytes, has used the newest segment of the archive."""
    return (reached - 1) // SEGMENT_BYTES >= segment(newest)


def require_fetched(asked: Sequence[str], complaints: Sequence[str]) -> None:
    """Raise BadError for WAL that is damaged, NotRunError where the archive did not answer.

    `asked` has a line for each file that was asked for, with pgBackRest's exit code, `complaints` its words.
    PostgreSQL takes whatever it cannot fetch for the end of the archive, and says nothing.
    """
    for name, code in (line.split() for line in asked):
        if int(code) not in (0, NOT_FOUND):
            found = [line.strip() for line in complaints if name in line] or ["no word of why"]
            damaged = [line for line in found if _DAMAGED.search(line) and not _CERTIFICATE.search(line)]
            if damaged:
                raise BadError(f"WAL {name} is damaged: {damaged[-1]}")
            raise NotRunError(f"WAL {name} could not be read: {found[-1]}")


def require_reached(reached: int, newest: str) -> None:
    """Raise BadError unless a copy has replayed the newest WAL segment that the archive had before."""
    if not is_whole(reached, newest):
        raise BadError(f"the archive has WAL up to {newest}, and the copy could not use it to its end")


def last_words(log: Iterable[str]) -> str:
    """Return why a server ended, by its log; that it has turned somebody away meanwhile is not why."""
    lines = [line for line in log if _FATAL.search(line) and not _TURNED_AWAY.search(line)]
    return _FATAL.split(lines[-1])[-1].strip() if lines else "it said nothing"


def unopened(last_words: str) -> ServiceError:
    """Return the error of a copy that PostgreSQL did not open, by its last words."""
    if _UNREACHED in last_words:
        return UnreachedError("the archive does not reach to that moment")
    lacking = _LACKING.search(last_words)
    return (BadError if lacking else NotRunError)(f"PostgreSQL did not open the copy: {last_words}")
