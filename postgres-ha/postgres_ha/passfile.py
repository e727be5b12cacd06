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
DATABASES = {"postgres": "postgres", "repmgr": "repmgr"}


def keep(settings: Settings, primary: Callable[[], str | None]) -> None:
    """Look every second which passwords are good, in a thread, where there are two of one."""
    if len(settings.secrets.postgres) + len(settings.secrets.repmgr) > len(DATABASES):
        threading.Thread(target=_keep, args=(settings, primary), daemon=True).start()


def _keep(settings: Settings, primary: Callable[[], str | None]) -> None:
    secrets = {"postgres": settings.secrets.postgres, "repmgr": settings.secrets.repmgr}
    written = {role: passwords[0] for role, passwords in secrets.items()}
    while True:
        try:
            found = {
                # What was good last is tried first: each other one is a line in the server's log.
                role: _good(settings, role, sorted(those, key=lambda one: one != written[role]), primary())
                for role, those in secrets.items()
            }
            wanted = {role: password or written[role] for role, password in found.items()}
            if wanted != written:
                postgres_config.write_passfile(settings, wanted)
                log.info("password file written", other=[r for r in wanted if wanted[r] != secrets[r][0]])
                written = wanted
        except (OSError, psycopg.Error) as error:
            log.warning("password file not written", error=str(error).strip())
        time.sleep(LOOK_SECONDS)


def _good(settings: Settings, role: str, passwords: Sequence[str], primary: str | None) -> str | None:
    """Return the password that a server takes, in the order given; None where nobody can say."""
    if len(passwords) == 1:
        return passwords[0]
    # A standby that cannot stream knows no new password. The superuser comes through the socket alone.
    hosts = [*([primary] if primary and role != "postgres" else []), str(settings.runtime)]
    tried = (password for host in hosts for password in passwords if _takes(host, role, password))
    return next(tried, None)


def _takes(host: str, role: str, password: str) -> bool:
    try:
        with closing(
            psycopg.connect(
                host=host, port=5432, dbname=DATABASES[role], user=role, password=password,
                connect_timeout=CONNECT_SECONDS,
            )
        ):  # fmt: skip
            return True
    except psycopg.OperationalError:
        return False
