"""A drill: a backup is restored beside everything else, and its votes are counted."""

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import structlog

from postgres_ha.backup import notes, verdict
from postgres_ha.backup.command import PgBackRestError, look
from postgres_ha.backup.report import Backup, contents
from postgres_ha.backup.scratch import Scratch
from postgres_ha.backup.verdict import BadError, BusyError, Copy, NotRunError, Outcome, Report

log = structlog.get_logger()

_IS_BEGUN: LiteralString = """\
SELECT coalesce(to_regclass('public.votes'), to_regclass('public.tally')) IS NOT NULL
"""
_IS_KEPT: LiteralString = "SELECT to_regclass('public.fingerprint') IS NOT NULL"
_COUNT: LiteralString = "SELECT vote, count(*), 0 FROM public.votes GROUP BY vote"
_COUNT_AND_HASH: LiteralString = """\
SELECT vote, count(*), sum(public.vote_hash(id, vote, version)) FROM public.votes GROUP BY vote
"""
_TALLY: LiteralString = "SELECT vote, count FROM public.tally"
_FINGERPRINT: LiteralString = """\
SELECT (SELECT hash FROM public.fingerprint WHERE part = 'before')
    + coalesce((SELECT hash FROM public.fingerprint WHERE part = 'since'), 0)
"""
_MOMENT: LiteralString = "SELECT extract(epoch FROM pg_last_xact_replay_timestamp())::float"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Places:
    """pgBackRest's configuration, where the copy comes to be, and where the outcome is kept."""

    conf: Path
    scratch: Path
    state: Path


@dataclass(frozen=True)
class Source:
    """A backup, the last WAL of its database, and where to stop: at a moment, when it is whole, or never."""

    backup: Backup
    wal_stop: str
    to: datetime | None = None
    at_once: bool = False

    @property
    def whole(self) -> bool:
        """Whether all WAL of the store is to be replayed."""
        return self.to is None and not self.at_once


def drill(places: Places, label: str, to: datetime | None, say: Say) -> Report:
    """Restore a backup, by default the newest, look at its votes, and keep and return what was found.

    With `to` it is replayed to that moment, else to the end of the archive.
    """
    began = time.time()
    facts: dict[str, Any] = {}
    busy = False
    try:
        _try(places, label, to, say, facts)
        outcome, why = Outcome.GOOD, ""
    except BadError as error:
        outcome, why = Outcome.BAD, str(error)
    except (NotRunError, PgBackRestError, OSError, psycopg.Error) as error:
        busy = isinstance(error, BusyError)
        outcome, why = Outcome.NOT_RUN, str(error).strip()
    except Exception as error:  # noqa: BLE001 - shown, and whatever it is, it says nothing of the backup
        traceback.print_exc()
        outcome, why = Outcome.NOT_RUN, repr(error)
    report = Report(outcome, began, round(time.time() - began, 1), why, **facts)
    if not busy:
        _keep(places, report, whole=to is None)
    return report


def _try(places: Places, label: str, to: datetime | None, say: Say, facts: dict[str, Any]) -> None:
    """Add to the facts what is known; raise BadError, and anything else where it cannot be known."""
    source = choose(places, label, to)
    facts["backup"] = source.backup.label
    with Scratch(places.scratch, places.conf) as scratch:
        restore(places, scratch, source, say)
        copy = examine(scratch)
    moment = moment_of(copy, source)
    facts |= {
        "moment": moment,
        "age_seconds": round(time.time() - moment, 1),
        "rows": copy.rows,
        "votes": copy.counted,
        "fingerprint": str(copy.hash),
    }
    verdict.judge(copy)


def choose(places: Places, label: str, to: datetime | None, *, at_once: bool = False) -> Source:
    """Choose a backup, by default the newest; raise NotRunError where there is none for that moment."""
    info = look(places.conf)
    found = contents(info)
    backup = verdict.choose(found, label, verdict.status(info), to)
    return Source(backup, found.wal_stop(backup.database), to, at_once)


def restore(places: Places, scratch: Scratch, source: Source, say: Say) -> None:
    """Have a copy that PostgreSQL serves; raise NotRunError, or BadError if something of it is damaged."""
    verdict.require_room(source.backup, scratch.room)
    say(f"restoring backup {source.backup.label}")
    _fetch(places, scratch, source)
    say("replaying the archive's WAL")
    scratch.start()
    scratch.require_fetched()
    if source.whole:
        verdict.require_reached(scratch.reached, source.wal_stop)
    say("counting the votes")


def _fetch(places: Places, scratch: Scratch, source: Source) -> None:
    label = source.backup.label
    try:
        scratch.restore(label, source.to, at_once=source.at_once)
    except BadError:
        if label not in {left.label for left in contents(look(places.conf)).backups}:
            raise NotRunError(f"backup {label} was removed meanwhile, as newer ones came") from None
        raise


def examine(scratch: Scratch) -> Copy:
    """Count; raise BadError where that cannot be for what the copy holds."""
    try:
        with scratch.connect() as connection:
            return _read(connection)
    except (psycopg.InternalError, psycopg.ProgrammingError) as error:
        raise BadError(f"the votes of the copy cannot be read: {error}") from error


def moment_of(copy: Copy, source: Source) -> float:
    """Return when the last transaction of a copy was committed, in seconds since 1970."""
    return copy.moment or source.backup.stop.timestamp()


def _read(connection: psycopg.Connection[Any]) -> Copy:
    if not _value(connection, _IS_BEGUN):
        raise NotRunError("the copy is of before the first worker has made the tables of the votes")
    kept = _value(connection, _IS_KEPT)
    rows = connection.execute(_COUNT_AND_HASH if kept else _COUNT).fetchall()
    return Copy(
        counted={vote: count for vote, count, _ in rows},
        tally=dict(connection.execute(_TALLY).fetchall()),
        hash=int(sum(hashed for _, _, hashed in rows)),
        fingerprint=_value(connection, _FINGERPRINT) if kept else None,
        moment=_value(connection, _MOMENT),
    )


def _value(connection: psycopg.Connection[Any], query: LiteralString) -> Any:
    row = connection.execute(query).fetchone()
    return row[0] if row else None


def _keep(places: Places, report: Report, *, whole: bool) -> None:
    """Note the outcome; of an earlier moment than the last it does not stand for the whole archive."""
    try:
        if whole:
            earlier = notes.read(places.state, notes.DRILL)
            notes.write(places.state, notes.DRILL, verdict.noted(earlier, report))
        if report.outcome is Outcome.GOOD and report.backup:
            note_restored(places, report.backup)
    except OSError as error:
        log.warning("the outcome of a drill could not be noted", error=str(error))


def note_restored(places: Places, label: str) -> None:
    """Note that a backup was restored now; raise OSError."""
    restored = notes.read(places.state, notes.RESTORED)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    notes.write(places.state, notes.RESTORED, restored | {label: now})
