"""Looking at the database and at the store, in a thread of its own: a store that hangs holds nothing up."""

import threading
from datetime import UTC, datetime
from pathlib import Path

import structlog

from postgres_ha.backup import notes, report
from postgres_ha.backup.adoption import foreign
from postgres_ha.backup.cluster import Agents, Cluster
from postgres_ha.backup.command import CREATE, DIFFERENT_DATABASE, PgBackRestError, change, look
from postgres_ha.backup.report import Backup, Contents
from postgres_ha.backup.schedule import lacks

log = structlog.get_logger()

LOOK_SECONDS = 15.0
# While the store is not ready, or a backup grows, whose progress is known in this way alone.
SOON_SECONDS = 2.0
# After this long an archive stands still: what was dropped meanwhile may be missing in it.
STANDSTILL_SECONDS = 900.0
# No change of settings takes less: while backups are off, WAL goes nowhere.
AWAY_SECONDS, NOTE_SECONDS = 60.0, 15.0


class Watch:
    """What was seen last, and the `problem` that the store has, empty without one."""

    def __init__(self, conf: Path, agents: Agents, state: Path) -> None:
        self._conf = conf
        self._agents = agents
        self._state = state
        self._noted: datetime | None = None
        self._now = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.cluster = Cluster()
        self.contents = Contents()
        self.problem = ""
        self._waited: datetime | None = None
        self._dropped: datetime | None = None
        self.busy = False

    def start(self) -> None:
        """Begin to look; what was not stored while nobody looked may never be."""
        if was_away(notes.read(self._state, notes.SEEN).get("at"), datetime.now(UTC)):
            self._dropped = datetime.now(UTC)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it still looks; else the program has an error, and its traceback is in the log."""
        return self._thread.is_alive()

    @property
    def stood_still(self) -> datetime | None:
        """When WAL last waited for long, or may have been dropped."""
        return max(filter(None, (self._waited, self._dropped)), default=None)

    @property
    def drillable(self) -> Backup | None:
        """The newest backup, if all WAL since then must be in the store: without it no drill can be good.

        WAL that waits comes later. A store of another database lacks nothing of that one.
        """
        newest, cluster = self.contents.newest, self.cluster
        if newest is None or foreign(self.contents.system, cluster.system):
            return newest
        changed = cluster.timeline not in (None, newest.timeline)
        return None if changed or lacks(newest, self._dropped) else newest

    def look_now(self) -> None:
        """Look at once: something has changed."""
        self._now.set()

    def look(self) -> None:
        """Look once, and make the store ready for this database where it is not."""
        self.cluster = self._agents.look()
        if self.cluster.waiting_seconds > STANDSTILL_SECONDS:
            self._waited = datetime.now(UTC)
        if self.cluster.given_up is not None:
            given_up = datetime.fromtimestamp(self.cluster.given_up, UTC)
            self._dropped = max(self._dropped or given_up, given_up)
        try:
            found = report.contents(look(self._conf))
            if not found.ready and self.cluster.timeline is not None:
                change(self._conf, CREATE)
                log.info("store is ready")
                found = report.contents(look(self._conf))
            self._keep_seen(found)
        except PgBackRestError as error:
            self._note(str(error), error.code)
        except OSError as error:  # such as a volume that is full
            self._note(str(error), 0)
        else:
            self.contents = found
            self._note(foreign(found.system, self.cluster.system), DIFFERENT_DATABASE)

    def _keep_seen(self, found: Contents) -> None:
        """Note, every now and then, that until now nothing was missed: who begins anew believes it."""
        now = datetime.now(UTC)
        if lacks(found.newest, self.stood_still):
            return
        if self._noted is None or not within(self._noted, now, NOTE_SECONDS):
            self._noted = now
            notes.write(self._state, notes.SEEN, {"at": now.isoformat()})

    def _run(self) -> None:
        while True:
            self.look()
            soon = self.busy or not self.contents.ready
            self._now.wait(SOON_SECONDS if soon else LOOK_SECONDS)
            self._now.clear()

    def _note(self, problem: str, code: int) -> None:
        if problem and problem != self.problem:
            log.warning("store", reason=problem, code=code)
        self.problem = problem


def was_away(seen: object, now: datetime) -> bool:
    """Whether nobody has looked for so long that backups may have been off meanwhile, or nobody knows."""
    try:
        return not within(datetime.fromisoformat(str(seen)), now, AWAY_SECONDS)
    except (TypeError, ValueError):
        return True


def within(moment: datetime, now: datetime, seconds: float) -> bool:
    """Whether a moment is at most so long ago. One that lies ahead is not: the clock was set back since."""
    return 0 <= (now - moment).total_seconds() <= seconds
