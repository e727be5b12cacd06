"""Which of two passwords libpq's file gives to repmgr, replication and clones, while it is changed."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing

import psycopg
import structlog

from postgres_ha import postgres_config
from postgres_ha.settings import Settings

log = structlog.get_logger()

LOOK_SECONDS = 1.0
CONNECT_SECONDS = 2


def keep(settings: Settings, primary: Callable[[], str | None]) -> None:
    """Look every second which password is good, in a thread, where there are two."""
    if len(settings.secrets.repmgr) > 1:
        threading.Thread(target=_keep, args=(settings, primary), daemon=True).start()


def _keep(settings: Settings, primary: Callable[[], str | None]) -> None:
    passwords = settings.secrets.repmgr
    written = passwords[0]
    while True:
        try:
            # What was good last is tried first: each other one is a line in the server's log.
            tried = sorted(passwords, key=lambda one: one != written)
            wanted = _good(settings, tried, primary()) or written
            if wanted != written:
                postgres_config.write_passfile(settings, wanted)
                log.info("password file written", other=wanted != passwords[0])
                written = wanted
        except (OSError, psycopg.Error) as error:
            log.warning("password file not written", error=str(error).strip())
        time.sleep(LOOK_SECONDS)


def _good(settings: Settings, passwords: Sequence[str], primary: str | None) -> str | None:
    """Return the password that a server takes, in the order given; None where nobody can say."""
    # A standby that cannot stream knows no new password.
    hosts = [*([primary] if primary else []), str(settings.runtime)]
    tried = (password for host in hosts for password in passwords if _takes(host, password))
    return next(tried, None)


def _takes(host: str, password: str) -> bool:
    try:
        with closing(
            psycopg.connect(
                host=host, port=5432, dbname="repmgr", user="repmgr", password=password,
                connect_timeout=CONNECT_SECONDS,
            )
        ):  # fmt: skip
            return True
    except psycopg.OperationalError:
        return False
