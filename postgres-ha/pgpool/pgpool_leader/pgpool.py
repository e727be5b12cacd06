"""Pgpool as a child process."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping

from pgpool_leader import pgpool_config
from pgpool_leader.leader import Backend
from pgpool_leader.settings import Settings

STOP_SECONDS = 2.0
# And semaphores; nobody else in this container has any. Of two `--all=KIND`, ipcrm heeds the last alone.
REMOVE_SHARED_MEMORY = ("ipcrm", "--all")


class Pgpool:
    """Run pgpool for one backend at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self.served: Backend | None = None
        self._passwords: Mapping[str, str] = {}

    @property
    def alive(self) -> bool:
        """Whether the parent process lives."""
        return self._process is not None and self._process.poll() is None

    def outdated(self, passwords: Mapping[str, str]) -> bool:
        """Whether it runs with other passwords."""
        return self.served is not None and passwords != self._passwords

    def start(self, backend: Backend, passwords: Mapping[str, str]) -> None:
        """Serve this backend; whatever ran before is stopped, its clients are cut off."""
        self.stop()
        pgpool_config.write(self._settings, backend)
        if passwords != self._passwords:
            pgpool_config.write_passwords(self._settings, passwords)
            self._passwords = passwords
        self._process = subprocess.Popen(pgpool_config.command(self._settings), start_new_session=True)
        self.served = backend

    def stop(self) -> None:
        """Stop: fast, or after two seconds by force together with every child."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        # A child that waits for a dead server does not hear it.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        self._kill_group(self._process.pid)
        self._process.wait()
        # Who was killed has left it behind, at the cost of this container's memory.
        subprocess.run(REMOVE_SHARED_MEMORY, check=False)
        self._process, self.served = None, None
        (self._settings.runtime / "pgpool.pid").unlink(missing_ok=True)
        for socket in self._settings.runtime.glob(".s.PGSQL.*"):
            socket.unlink(missing_ok=True)

    def _kill_group(self, group: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
