"""One connection to the database, made when it is needed and dropped at the first doubt."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files
from typing import Any, TypeAlias

import psycopg
from psycopg.rows import dict_row

from certificates.addresses import addresses_of
from certificates.errors import ServiceError
from certificates.login import login
from certificates.watchdog import watchdog

CONNECT_SECONDS = 3
FROZEN_SECONDS = 8.0
TURN_SECONDS = 2.0

Connection: TypeAlias = psycopg.Connection[dict[str, Any]]


class DatabaseAwayError(ServiceError):
    """The database cannot be reached, or nothing is known of what was asked of it last."""


@dataclass(frozen=True)
class Access:
    """Where the database is, and the account to use there."""

    host: str
    port: int
    name: str
    user: str
    passwords: tuple[str, ...] = field(repr=False)  # the first is tried first


class Database:
    """A connection that threads use in turn; whoever does not get it soon is told that it is away."""

    def __init__(self, access: Access, frozen_seconds: float = FROZEN_SECONDS) -> None:
        self._access = access
        self._frozen_seconds = frozen_seconds
        self._connection: Connection | None = None
        self._turn = threading.Lock()
        self._has_schema = False

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Let the block ask and write in one transaction; raise DatabaseAwayError."""
        if not self._turn.acquire(timeout=TURN_SECONDS):
            raise DatabaseAwayError("the database is slow")
        try:
            connection = self._connection or self._open()
            with watchdog(connection.fileno(), self._frozen_seconds), connection.transaction():
                yield connection
        except (psycopg.Error, OSError) as error:
            self.close()
            # A rollback of the database, or another schema: it is applied again.
            self._has_schema = self._has_schema and not isinstance(error, psycopg.ProgrammingError)
            raise DatabaseAwayError(f"database: {str(error).strip()}") from error
        finally:
            self._turn.release()

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _open(self) -> Connection:
        self._connection = connection = _connect(self._access)
        if not self._has_schema:
            with watchdog(connection.fileno(), self._frozen_seconds):
                connection.execute((files("certificates.state") / "schema.sql").read_bytes())
            self._has_schema = True
        return connection


def _connect(access: Access) -> Connection:
    """Open a connection, trying every address of the host for some seconds each."""
    addresses = addresses_of(access.host, access.port)
    connect = partial(
        psycopg.connect,
        host=",".join([access.host] * len(addresses)),
        hostaddr=",".join(addresses),
        port=access.port,
        dbname=access.name,
        user=access.user,
        application_name=access.user,
        connect_timeout=CONNECT_SECONDS,
        prepare_threshold=None,
        autocommit=True,
        # Whoever else has the host's name by some accident is not told the password.
        require_auth="scram-sha-256",
        row_factory=dict_row,
    )
    return login(access.passwords, lambda password: connect(password=password))
