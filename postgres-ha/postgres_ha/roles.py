"""The accounts of the database: which there are, and how they are made."""

from collections.abc import Mapping
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from postgres_ha.settings import Secrets

_OPTIONS: Mapping[str, LiteralString] = {
    "postgres": "SUPERUSER",
    "repmgr": "SUPERUSER REPLICATION",
    "pgpool": "CONNECTION LIMIT 10",
    "worker": "",
    "result": "",  # its limit comes with its privileges, also where the role is older than that
    # Every manager has an observer, which holds one; a look at the dead letters takes two more.
    "observer": "CONNECTION LIMIT 16",
    # A copy on each edge holds two; while they are updated there are twice as many.
    "certificates": "CONNECTION LIMIT 18",
    # One exporter asks each node once at a time; while it is updated there are two.
    "monitor": "CONNECTION LIMIT 6",
}


def establish_all(connection: psycopg.Connection[Any], secrets: Secrets) -> None:
    """Make every role, or give it today's password; raise psycopg.Error."""
    establish(connection, "postgres", secrets.postgres)
    establish(connection, "repmgr", secrets.repmgr[0])
    establish(connection, "pgpool", secrets.pgpool)
    establish(connection, "worker", secrets.worker)
    establish(connection, "result", secrets.result)
    establish(connection, "observer", secrets.observer)
    establish(connection, "certificates", secrets.certificates)
    establish(connection, "monitor", secrets.monitor)


def establish(connection: psycopg.Connection[Any], role: str, password: str) -> None:
    """Make a role, or bring the one that is there up to date; raise psycopg.Error."""
    known = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).rowcount
    # Only the verifier is sent: the password itself can never show up in a server's log.
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    connection.execute(
        sql.SQL("{} ROLE {} LOGIN {} PASSWORD {}").format(
            sql.SQL("ALTER" if known else "CREATE"),
            sql.Identifier(role),
            sql.SQL(_OPTIONS[role]),
            sql.Literal(verifier),
        )
    )
