"""Run one PostgreSQL, which at its first start gets the accounts and the database that the cluster's have.

Who cannot be here, such as pgpool, is an account that nobody can log in to: the privileges name it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any, NoReturn

import psycopg

from postgres_ha import privileges, roles
from postgres_ha.environment import SettingError, refuse, secret
from postgres_ha.server import Server

DATA, FRESH = Path("/data/pgdata"), Path("/data/pgdata.new")
SOCKETS = "/tmp"  # noqa: S108
START_SECONDS = 30
ABSENT = ("pgpool", "observer", "certificates", "monitor")
PRESENT = ("worker", "result")
# By the socket comes the server's own user alone, and needs no password.
ACCESS = f"local all postgres peer\nhost votes {','.join(PRESENT)} all scram-sha-256\n"
INITDB = (
    *("initdb", "-D", str(FRESH), "--username=postgres", "--auth=peer", "--data-checksums", "--no-sync"),
    *("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8"),
)


def main() -> NoReturn:
    """Become the server, once there is a database for it."""
    if not DATA.exists():
        try:
            make()
        except SettingError as error:
            refuse(error)
    options = ("-c", f"unix_socket_directories={SOCKETS}", "-c", "listen_addresses=*")
    os.execvp("postgres", ("postgres", "-D", str(DATA), *options))


def make() -> None:
    """Make the database beside its place, and put it there when it is complete.

    Raises SettingError, CalledProcessError or psycopg.Error.
    """
    shutil.rmtree(FRESH, ignore_errors=True)
    subprocess.run(INITDB, check=True, stdout=subprocess.DEVNULL)
    (FRESH / "pg_hba.conf").write_text(ACCESS)
    server = Server(FRESH)
    server.start("-c", f"unix_socket_directories={SOCKETS}", "-c", "listen_addresses=", "-c", "fsync=off")
    try:
        fill()
    finally:
        server.stop()
    subprocess.run(("initdb", "--sync-only", "-D", str(FRESH)), check=True)
    FRESH.rename(DATA)


def fill() -> None:
    """Make the accounts, and the database with their privileges."""
    with _connect("postgres") as connection:
        for role in PRESENT:
            password = secret(os.environ, f"{role.upper()}_PASSWORD_FILE", f"postgres_{role}_password")
            roles.establish(connection, role, password)
        for role in ABSENT:
            connection.execute(psycopg.sql.SQL("CREATE ROLE {}").format(psycopg.sql.Identifier(role)))
        connection.execute("CREATE DATABASE votes OWNER worker")
        connection.execute("REVOKE ALL ON DATABASE votes, postgres FROM PUBLIC")
    with _connect("votes") as connection:
        privileges.restrict(connection)


def _connect(database: str) -> psycopg.Connection[Any]:
    """Connect as soon as the server lets anybody in."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return psycopg.connect(host=SOCKETS, user="postgres", dbname=database, autocommit=True)
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


if __name__ == "__main__":
    main()
