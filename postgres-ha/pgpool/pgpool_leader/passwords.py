"""Which of two passwords of an account the primary takes, while it is changed: pgpool can know but one."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing

import psycopg
import structlog

from pgpool_leader.leader import Backend
from pgpool_leader.settings import Settings

log = structlog.get_logger()

LOOK_SECONDS = 1.0
CONNECT_SECONDS = 2


class Passwords:
    """What each account's password is now."""

    def __init__(self, settings: Settings) -> None:
        self._known = settings.passwords
        self.now = {role: first for role, (first, *_) in settings.passwords.items()}

    def watch(self, served: Callable[[], Backend | None]) -> None:
        """Ask the primary every second, in a thread, where there are two of some account."""
        if any(len(passwords) > 1 for passwords in self._known.values()):
            threading.Thread(target=self._watch, args=(served,), daemon=True).start()

    def _watch(self, served: Callable[[], Backend | None]) -> None:
        while True:
            try:
                if backend := served():
                    self._look(backend)
            except (OSError, psycopg.Error) as error:
                log.warning("not looked which passwords are good", error=str(error).strip())
            time.sleep(LOOK_SECONDS)

    def _look(self, backend: Backend) -> None:
        found = {role: _good(backend, role, known, self.now[role]) for role, known in self._known.items()}
        self.now = {role: password or self.now[role] for role, password in found.items()}


def _good(backend: Backend, role: str, passwords: Sequence[str], last: str) -> str | None:
    """Return the password that a server takes, None where it cannot say; the `last` one is tried first."""
    if len(passwords) == 1:
        return passwords[0]
    tried = sorted(passwords, key=lambda password: password != last)
    return next((password for password in tried if _takes(backend, role, password)), None)


def _takes(backend: Backend, role: str, password: str) -> bool:
    try:
        with closing(
            psycopg.connect(
                host=backend.node, hostaddr=backend.address, dbname="votes", user=role, password=password,
                connect_timeout=CONNECT_SECONDS,
            )
        ):  # fmt: skip
            return True
    except psycopg.OperationalError:
        return False
