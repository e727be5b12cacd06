"""The first boot of all: a new database, complete before it gets its place on the volume."""

import shutil
import subprocess
import time

import psycopg

from postgres_ha import postgres_config, privileges, roles
from postgres_ha.database import Database
from postgres_ha.server import Server
from postgres_ha.settings import Settings
from postgres_ha.volume import Volume

START_SECONDS = 30

_OPTIONS = (
    "-c", "listen_addresses=", "-c", "synchronous_standby_names=", "-c", "fsync=off",
    # No backup begins before it is there, and the store may not be ready.
    "-c", f"archive_command={postgres_config.NO_ARCHIVE}",
)  # fmt: skip

_NODE_TABLES = """\
CREATE SCHEMA postgres_ha;
CREATE TABLE postgres_ha.epoch (
    epoch bigint PRIMARY KEY,
    node text NOT NULL,
    began timestamptz NOT NULL DEFAULT now()
)"""

_VOTES_TABLES = """\
CREATE SCHEMA postgres_ha;
CREATE TABLE postgres_ha.probe (at timestamptz NOT NULL DEFAULT now());
GRANT USAGE ON SCHEMA postgres_ha TO pgpool;
GRANT INSERT ON postgres_ha.probe TO pgpool"""


def initialise(settings: Settings, volume: Volume) -> None:
    """Make the database with its roles; raise CalledProcessError or psycopg.Error."""
    shutil.rmtree(volume.fresh, ignore_errors=True)
    _run_initdb(settings, volume)
    postgres_config.write(settings, volume.fresh)
    (volume.fresh / "standby.signal").unlink()
    server = Server(volume.fresh)
    server.start(*_OPTIONS)
    try:
        _fill(settings, _wait(Database(settings)))
    finally:
        server.stop()
    subprocess.run(["initdb", "--sync-only", "-D", str(volume.fresh)], check=True)
    volume.adopt_first()


def _run_initdb(settings: Settings, volume: Volume) -> None:
    pwfile = settings.runtime / "pwfile"
    pwfile.touch(mode=0o600)
    pwfile.write_text(settings.secrets.postgres)
    command = [
        "initdb", "-D", str(volume.fresh), "--username=postgres", f"--pwfile={pwfile}",
        "--auth=scram-sha-256", "--data-checksums", "--encoding=UTF8", "--no-sync",
        "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8",
    ]  # fmt: skip
    try:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    finally:
        pwfile.unlink()


def _wait(database: Database) -> Database:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            database.execute("SELECT 1")
            return database
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _fill(settings: Settings, database: Database) -> None:
    with database.connect() as connection:
        roles.establish_all(connection, settings.secrets)
        connection.execute("CREATE DATABASE repmgr OWNER repmgr")
        connection.execute("CREATE DATABASE votes OWNER worker")
        connection.execute("REVOKE ALL ON DATABASE votes, postgres, repmgr FROM PUBLIC")
        connection.execute(_NODE_TABLES)
    with database.connect("votes") as connection:
        connection.execute(_VOTES_TABLES)
        privileges.restrict(connection)
