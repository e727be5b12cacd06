"""A copy of the database out of the repository, which archives nothing and is reached only here."""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import psycopg

from postgres_ha.backup import room, verdict
from postgres_ha.backup.command import command, failure
from postgres_ha.backup.room import Room
from postgres_ha.backup.verdict import BadError, BusyError, NotRunError
from postgres_ha.server import Server
from postgres_ha.timeline import read_timelines

POLL_SECONDS = 0.2
# Replaying the WAL of a week takes long, but not for ever.
REPLAY_SECONDS = 6 * 3600
ORPHAN_SECONDS = 5.0

_CONF = """\
unix_socket_directories = '{root}'
hba_file = '{root}/pg_hba.conf'
max_connections = 10
shared_buffers = 32MB
maintenance_work_mem = 16MB
max_parallel_workers_per_gather = 0
jit = off
fsync = off
logging_collector = off
max_wal_size = 128MB
min_wal_size = 32MB
timezone = 'UTC'
log_timezone = 'UTC'
"""
# What the copied files say of these does not count. Without hot standby no limit of the primary's holds.
_OVERRIDES = {
    "listen_addresses": "",
    "archive_mode": "off",
    "shared_preload_libraries": "",
    "synchronous_standby_names": "",
    "primary_conninfo": "",
    "primary_slot_name": "",
    "hot_standby": "off",
    "ssl": "off",
}
_ABSENT = re.compile(r'(database|role) "\w+" does not exist')
# Nothing that the copy holds is run by a superuser.
_HBA = "local votes worker trust\n"
# PostgreSQL takes a file that it does not get for the end: what each was answered is kept.
_FETCH = """\
#!/bin/sh
{command} "$1" "$2" > '{root}/said' 2>&1
code=$?
echo "$1 $code" >> '{root}/asked'
[ $code -le 1 ] || cat '{root}/said' >> '{root}/complaints'
exit $code
"""
# A file that is damaged stays so; by itself pgBackRest tries it for half a minute.
_RETRY = ("--job-retry=1", "--job-retry-interval=1")


class Scratch:
    """A folder for one copy at a time; a context manager that leaves nothing of it."""

    def __init__(self, root: Path, conf: Path) -> None:
        self._root, self._conf = root, conf
        self.data = root / "pgdata"
        self._fetch, self._log = root / "fetch", root / "log"
        self._server = Server(self.data)
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        """Take the folder; raise BusyError while another drill has it."""
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = (self._root / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise BusyError("another drill is at work") from None
        self._clear()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()
        self._clear()
        if self._lock:
            self._lock.close()

    @property
    def room(self) -> Room:
        """How much room the disk has."""
        return room.look(self._root)

    def require_fetched(self) -> None:
        """Raise BadError for WAL that is damaged, NotRunError where the archive did not answer."""
        asked, complaints = (self._read(name) for name in ("asked", "complaints"))
        verdict.require_fetched(asked.splitlines(), complaints.splitlines())

    @property
    def reached(self) -> int:
        """The position, in bytes, at which the copy branched off."""
        return read_timelines(self.data / "pg_wal")[-1].begin

    def restore(self, label: str, to: datetime | None, *, at_once: bool = False) -> None:
        """Bring a backup here, to be replayed up to a moment, or to the end of the archive.

        With `at_once` it is replayed only until it is whole: to the moment at which it was complete.

        Raises BadError if a file of it is damaged, else NotRunError.
        """
        recover = f"restore_command=sh {self._fetch} %f %p"
        options: tuple[str, ...] = (
            f"--set={label}",
            f"--recovery-option={recover}",
            "--archive-mode=off",
            *_RETRY,
        )
        if to:
            options += ("--type=time", f"--target={to.isoformat(sep=' ')}", "--target-action=promote")
        elif at_once:
            options += ("--type=immediate", "--target-action=promote")
        code = self._run(command(self._conf, "restore", f"--pg1-path={self.data}", *options))
        if code:
            error = failure(self._read("restored").splitlines(), code)
            verdict.restored(error.code, str(error), f"backup {label}")

    def _run(self, words: list[str]) -> int:
        """Run a program and return its code; raise NotRunError, and end it, where the disk gets short."""
        with (self._root / "restored").open("wb") as said:
            process = subprocess.Popen(words, stdout=said, stderr=subprocess.STDOUT)
        try:
            while process.poll() is None:
                verdict.require_still_room(self.room)
                time.sleep(POLL_SECONDS)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        return process.returncode

    def start(self) -> None:
        """Let the copy replay the archive's WAL to its end, and open; raise BadError or NotRunError."""
        (self.data / "postgresql.conf").write_text(_CONF.format(root=self._root))
        (self._root / "pg_hba.conf").write_text(_HBA)
        (self.data / "standby.signal").unlink(missing_ok=True)
        fetch = " ".join(command(self._conf, "archive-get", f"--pg1-path={self.data}"))
        self._fetch.write_text(_FETCH.format(command=fetch, root=self._root))
        overrides = [word for name, value in _OVERRIDES.items() for word in ("-c", f"{name}={value}")]
        with self._log.open("w") as log:
            self._server.start(*overrides, log=log)
        self._wait()

    def connect(self) -> psycopg.Connection[Any]:
        """Connect as the owner of the votes; raise psycopg.Error."""
        return psycopg.connect(host=str(self._root), dbname="votes", user="worker", autocommit=True)

    def _wait(self) -> None:
        deadline = time.monotonic() + REPLAY_SECONDS
        while time.monotonic() < deadline:
            verdict.require_still_room(self.room)
            if not self._server.running:
                self.require_fetched()
                raise verdict.unopened(self._last_words())
            try:
                self.connect().close()
                return
            except psycopg.OperationalError as error:
                if _ABSENT.search(str(error)):
                    raise BadError(f"the copy holds no votes: {error}") from error
                time.sleep(POLL_SECONDS)
        raise NotRunError(f"PostgreSQL has not opened the copy within {REPLAY_SECONDS // 3600} hours")

    def _last_words(self) -> str:
        return verdict.last_words(self._log.read_text(errors="replace").splitlines())

    def _read(self, name: str) -> str:
        place = self._root / name
        return place.read_text(errors="replace") if place.exists() else ""

    def _clear(self) -> None:
        self._end_orphan()
        for place in self._root.iterdir():
            if place.is_dir():
                shutil.rmtree(place)
            elif place.name != "lock":
                place.unlink()

    def _end_orphan(self) -> None:
        """End the server of a drill that was killed: nobody else starts one here."""
        with suppress(OSError, ValueError, IndexError):
            number = int((self.data / "postmaster.pid").read_text().splitlines()[0])
            if os.readlink(f"/proc/{number}/cwd") == str(self.data):
                os.kill(number, signal.SIGQUIT)
                _wait_for_end(number)
                os.kill(number, signal.SIGKILL)  # its children end without it


def remove_leftovers(root: Path) -> None:
    """Remove what a drill has left that was killed; while one is at work it is not touched."""
    with suppress(BusyError), Scratch(root, Path(os.devnull)):
        pass


def _wait_for_end(number: int) -> None:
    deadline = time.monotonic() + ORPHAN_SECONDS
    while Path(f"/proc/{number}").exists() and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
