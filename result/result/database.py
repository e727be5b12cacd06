"""The database as the result page needs it: a few queries, and never a long wait."""

from __future__ import annotations

import time
from functools import partial
from typing import Any, LiteralString

import gevent
import psycopg
from psycopg.errors import InsufficientPrivilege, UndefinedTable

from result import history, poll
from result.addresses import addresses_of
from result.errors import ServiceError
from result.history import Moment
from result.login import login
from result.poll import FIRST, Poll
from result.scores import Reading
from result.settings import Settings

CONNECT_SECONDS = 2
FROZEN_SECONDS = 3.0

QUERY = """
SELECT (SELECT coalesce(json_object_agg(vote, count), '{}') FROM tally),
       (SELECT extract(epoch FROM clock_timestamp() - at)::float FROM pulse)
"""
WITH_PROBES = f"""{QUERY},
       (SELECT coalesce(json_agg(id), '[]')
        FROM (SELECT id FROM probe ORDER BY at DESC, id LIMIT 4) AS newest)"""  # noqa: S608
# Before a worker of a release that knows them has run, there are no such tables: test votes, and the intake.
HAS = """
SELECT coalesce(has_table_privilege(to_regclass('probe'), 'SELECT'), false),
       coalesce(has_table_privilege(to_regclass('intake'), 'SELECT'), false)
"""
HAS_EVERY_SECONDS = 10.0


class DatabaseAwayError(ServiceError):
    """The database did not answer in time or not as expected; the next attempt may succeed."""


class Database:
    """One connection, made when it is needed and dropped at the first doubt."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection: psycopg.Connection | None = None
        self._has_probes = self._has_intake = False
        self._look_for_tables_at = 0.0

    def read(self) -> Reading:
        """Return the present tally within three seconds, or raise DatabaseAwayError."""
        self._look_for_tables()
        [row] = self._fetch(WITH_PROBES if self._has_probes else QUERY)
        return Reading(*row)

    def past(self) -> list[Moment]:
        """Return the last hour within three seconds, or raise DatabaseAwayError."""
        return [Moment(at, counts) for at, counts in self._fetch(history.QUERY)]

    def poll(self) -> Poll:
        """Return the poll within three seconds, or raise DatabaseAwayError."""
        try:
            [row] = self._fetch(poll.WITH_INTAKE if self._has_intake else poll.QUERY)
        except DatabaseAwayError as error:
            if isinstance(error.__cause__, UndefinedTable | InsufficientPrivilege):
                return FIRST
            raise
        return poll.read_poll(row)

    def _look_for_tables(self) -> None:
        if not self._has_intake and time.monotonic() >= self._look_for_tables_at:
            self._look_for_tables_at = time.monotonic() + HAS_EVERY_SECONDS
            [(self._has_probes, self._has_intake)] = self._fetch(HAS)

    def close(self) -> None:
        """Close the connection, if there is one; the next may lead to a database that has less."""
        self._has_probes, self._has_intake, self._look_for_tables_at = False, False, 0.0
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _fetch(self, query: LiteralString) -> list[tuple[Any, ...]]:
        try:
            # A frozen server still acknowledges TCP: only a clock of our own ends the wait.
            with gevent.Timeout(FROZEN_SECONDS, DatabaseAwayError("no answer in time")):
                self._connection = self._connection or self._open()
                return self._connection.execute(query).fetchall()
        except (psycopg.Error, OSError, DatabaseAwayError) as error:
            self.close()
            raise DatabaseAwayError(str(error).strip()) from error

    def _open(self) -> psycopg.Connection:
        settings = self._settings
        addresses = addresses_of(settings.database_host, settings.database_port)
        connect = partial(
            psycopg.connect,
            host=",".join([settings.database_host] * len(addresses)),
            hostaddr=",".join(addresses),
            port=settings.database_port,
            dbname=settings.database_name,
            user=settings.database_user,
            application_name="result",
            connect_timeout=CONNECT_SECONDS,
            prepare_threshold=None,
            autocommit=True,
        )
        return login(settings.database_passwords, lambda password: connect(password=password))
