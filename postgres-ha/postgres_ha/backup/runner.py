"""The runner: it keeps the store, makes backups when they are due or asked for, and says how they are."""

import signal
import sys
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from types import FrameType
from typing import Any

import structlog

from postgres_ha.backup import notes, orders, room, scratch
from postgres_ha.backup.adoption import foreign
from postgres_ha.backup.cluster import Agents
from postgres_ha.backup.job import Job
from postgres_ha.backup.report import Backup
from postgres_ha.backup.repository import runner_conf, write_private
from postgres_ha.backup.schedule import Due, Situation, due, ordered
from postgres_ha.backup.server import BackupServer
from postgres_ha.backup.store import Settings
from postgres_ha.backup.watch import Watch
from postgres_ha.backup.weekly import Drills

log = structlog.get_logger()

TICK_SECONDS = 1.0
TELL_SECONDS = 5.0
LONGEST_PROBLEM = 500
# One that has ended and is not in the store by then has failed, whatever pgBackRest said.
UNSEEN_SECONDS = 60.0


class Runner:
    """Keep everything that has to do with backups, until SIGTERM."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._server = BackupServer(settings.conf)
        self._agents = Agents(settings)
        self._watch = Watch(settings.conf, Agents(settings), settings.state)
        self._drills = Drills(settings.state)
        self._job: Job | None = None
        self._last: dict[str, Any] = {}
        self._failures = 0
        self._tried: datetime | None = None
        self._short = ""
        self._told = float("-inf")

    def run(self) -> None:
        """Run until SIGTERM; a backup that is being made then is taken up by the next one."""
        signal.signal(signal.SIGTERM, _leave)
        signal.signal(signal.SIGINT, _leave)
        prepare(self._settings)
        self._watch.start()
        try:
            while True:
                self._tick()
                time.sleep(TICK_SECONDS)
        finally:
            if self._job:
                self._job.stop()
            self._drills.stop()
            self._server.stop()

    def _tick(self) -> None:
        if not self._watch.alive:
            sys.exit("ERROR: the store is looked at no longer; the traceback is above")
        self._keep_room()
        self._finish()
        if self._job is None and self._watch.contents.ready:
            self._begin_unless_foreign()
        if newest := self._watch.drillable:
            self._drills.keep(newest.stop)
        self._say()

    def _keep_room(self) -> None:
        """Take WAL and make backups only while the disk has room, which may be the one of the votes."""
        self._short = "" if self._settings.bucket else shortage(room.look(self._settings.volume), ())
        if not self._short:
            self._server.keep()
            return
        self._server.stop()
        if self._job:
            self._job.give_up(self._short)

    def _begin_unless_foreign(self) -> None:
        """Begin nothing in a store of another database; who asks for a backup may have taken it over."""
        if not foreign(self._watch.contents.system, self._watch.cluster.system):
            self._begin()
        elif orders.waits(self._settings.runtime):
            self._watch.look_now()

    def _begin(self) -> None:
        """Begin what is asked for, or else what is due."""
        order = orders.take(self._settings.runtime)
        own = self._watch.contents.own
        wanted = ordered(str(order["type"]), own) if order else due(self._situation())
        if wanted is None:
            return
        self._tried = datetime.now(UTC)
        job = Job(str(order["id"]) if order else uuid.uuid4().hex, wanted, self._settings.conf)
        short = self._no_room(wanted)
        if short:
            self._note(job, short)
            return
        self._job = job.start()
        self._watch.busy = True
        self._watch.look_now()

    def _no_room(self, wanted: Due) -> str:
        """Say why the disk has no room for a backup, empty if it has."""
        if self._settings.bucket:
            return ""
        alike = [one for one in self._watch.contents.backups if one.type == wanted.type]
        return shortage(room.look(self._settings.volume), alike)

    def _situation(self) -> Situation:
        return Situation(
            now=datetime.now(UTC),
            at=self._settings.at,
            backups=self._watch.contents.own,
            timeline=self._watch.cluster.timeline,
            failures=self._failures,
            tried=self._tried,
            stood_still=self._watch.stood_still,
            waiting_seconds=self._watch.cluster.waiting_seconds,
        )

    def _finish(self) -> None:
        """Note how a backup ended; one that nobody can see in the store is none."""
        job = self._job
        if job is None or not job.over.is_set():
            return
        known = {backup.label for backup in self._watch.contents.backups}
        error = job.error
        if not error and job.label not in known and not self._watch.problem:
            if time.monotonic() - job.ended < UNSEEN_SECONDS:
                self._watch.look_now()
                return
            error = f"backup {job.label} was made, and is not in the store"
        self._note(job, error)
        self._job, self._watch.busy = None, False

    def _note(self, job: Job, error: str) -> None:
        """Note how a backup ended."""
        self._failures = self._failures + 1 if error else 0
        self._last = job.describe() | {"label": job.label, "error": error, "warning": job.warning}

    def _say(self) -> None:
        """Write the status for those in this container, and tell the nodes every few seconds."""
        percent = self._watch.contents.percent
        running = self._job.describe() | {"percent": percent} if self._job else None
        notes.write(
            self._settings.runtime,
            orders.STATUS,
            {**self._described(), "running": running, "last": self._last},
        )
        if time.monotonic() - self._told >= TELL_SECONDS:
            self._agents.tell({**self._described(), "running": bool(self._job)})
            self._told = time.monotonic()

    def _described(self) -> dict[str, Any]:
        """Return what everybody may know: the last backup, what is wrong, and the last drill."""
        newest = self._watch.contents.newest
        failed = str(self._last.get("error") or "") if self._failures else ""
        unsaid = self._watch.contents.damage or self._last.get("warning") or ""
        return {
            "label": newest.label if newest else None,
            "type": newest.type if newest else None,
            "stop": newest.stop.isoformat() if newest else None,
            "count": len(self._watch.contents.backups),
            "problem": (self._short or self._watch.problem or failed or unsaid)[:LONGEST_PROBLEM],
            "drill": notes.read(self._settings.state, notes.DRILL) or None,
        }


def shortage(found: room.Room, alike: Sequence[Backup]) -> str:
    """Say why a disk has no room for one more backup like the largest of those; empty if it has.

    Without any it is enough that the disk is not short.
    """
    if room.is_short(found):
        return f"the disk of the backups has {found.free // 2**20} MiB left: nothing more is stored there"
    needed = max((one.stored for one in alike), default=0) * 11 // 10
    short = room.shortage(found, needed) if needed else ""
    return short and f"there is no room for a backup: {short}"


def prepare(settings: Settings) -> None:
    """Make the folders and the configuration, and remove what a drill has left; raise OSError."""
    for folder in (settings.repository, settings.scratch, settings.state):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        notes.begin(settings.state, settings.place)
    except OSError as error:  # such as a volume that is full: what can go of the notes has gone
        log.warning("no notes", error=str(error))
    scratch.remove_leftovers(settings.scratch)
    write_private(settings.runtime / "server.pem", settings.tls.server_file.read_text())
    write_private(settings.conf, runner_conf(settings))


def _leave(_signal_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
