"""When a backup is due, and of which type."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from postgres_ha.backup.report import DIFFERENTIAL, FULL, Backup

WEEK = timedelta(days=7)
# A full backup that took its time must not move the next one by a day each week.
SLACK = timedelta(hours=12)
STORES_SECONDS = 120.0
FIRST_RETRY, LONGEST_RETRY = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True)
class Situation:
    """What decides: all moments in UTC.

    `timeline` is the primary's, None while there is no primary. `failures` counts the attempts in a row that
    failed, the last of them at `tried`. `stood_still` is when WAL was last seen to wait for long, or was
    given up. `waiting_seconds` is for how long WAL waits now.
    """

    now: datetime
    at: time
    backups: Sequence[Backup] = ()
    timeline: int | None = None
    failures: int = 0
    tried: datetime | None = None
    stood_still: datetime | None = None
    waiting_seconds: float = 0.0


@dataclass(frozen=True)
class Due:
    """A backup that is to be made, and why."""

    type: str
    reason: str


def due(situation: Situation) -> Due | None:
    """Say which backup is due now, if any."""
    if situation.timeline is None or _resting(situation):
        return None
    full = max((b.stop for b in situation.backups if b.type == FULL), default=None)
    if full is None:
        return Due(FULL, "there is none yet")
    newest = max(situation.backups, key=lambda backup: backup.stop)
    moment = last_moment(situation.now, situation.at)
    if newest.stop < moment:
        weekly = moment - full >= WEEK - SLACK
        return Due(FULL, "weekly") if weekly else Due(DIFFERENTIAL, "daily")
    if newest.timeline != situation.timeline:
        return Due(DIFFERENTIAL, f"the primary has changed: timeline {situation.timeline}")
    # While WAL cannot be stored, a backup cannot be complete.
    stores = situation.waiting_seconds < STORES_SECONDS
    if stores and lacks(newest, situation.stood_still):
        return Due(DIFFERENTIAL, "WAL could not be stored for a while")
    return None


def lacks(newest: Backup | None, missed: datetime | None) -> bool:
    """Whether WAL may be missing after the newest backup: some may have been missed since that was begun."""
    return missed is not None and (newest is None or newest.start < missed)


def ordered(kind: str, backups: Sequence[Backup]) -> Due:
    """Say which backup is made where one of a kind is asked for: the first of a database is a full one."""
    first = all(backup.type != FULL for backup in backups)
    return Due(FULL if first else kind, "asked for")


def last_moment(now: datetime, at: time) -> datetime:
    """Return when a daily backup was to be made last."""
    today = now.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    return today if today <= now else today - timedelta(days=1)


def _resting(situation: Situation) -> bool:
    """Whether an attempt has failed too short a while ago. After a clock was set back, nobody knows."""
    if not situation.failures or situation.tried is None:
        return False
    pause: timedelta = min(FIRST_RETRY * 2 ** min(situation.failures - 1, 10), LONGEST_RETRY)
    return timedelta(0) <= situation.now - situation.tried < pause
