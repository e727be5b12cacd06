"""What the local server says of itself, and the few statements that change it."""

import re
import threading
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from postgres_ha import postgres_config
from postgres_ha.errors import ServiceError
from postgres_ha.position import Position
from postgres_ha.settings import Settings

_OBSERVE = """\
WITH streaming AS MATERIALIZED (
    SELECT application_name, sync_state, flush_lsn FROM pg_stat_replication WHERE state = 'streaming')
SELECT pg_is_in_recovery() AS standby,
       (CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_replay_lsn(), '0/0')
             ELSE pg_current_wal_flush_lsn() END - '0/0')::bigint AS lsn,
       ARRAY (SELECT epoch FROM postgres_ha.epoch ORDER BY epoch DESC LIMIT 100) AS epochs,
       current_setting('synchronous_standby_names') AS required,
       current_setting('primary_conninfo') AS conninfo,
       EXISTS (SELECT FROM pg_stat_wal_receiver) AS receiving,
       (SELECT sender_host FROM pg_stat_wal_receiver WHERE status = 'streaming') AS upstream,
       (SELECT wait_event FROM pg_stat_activity WHERE backend_type = 'startup') AS startup,
       ARRAY (SELECT application_name FROM streaming WHERE application_name = ANY(%(peers)s)
              ORDER BY application_name) AS standbys,
       EXISTS (SELECT FROM streaming WHERE sync_state IN ('sync', 'quorum')) AS synchronous,
       (SELECT coalesce(jsonb_object_agg(
                   application_name, (pg_current_wal_flush_lsn() - flush_lsn)::bigint), '{}')
        FROM streaming
        WHERE NOT pg_is_in_recovery() AND application_name = ANY(%(peers)s)) AS lag_bytes,
       (SELECT coalesce(sum(checksum_failures), 0)::bigint FROM pg_stat_database) AS damaged_pages,
       (SELECT system_identifier::text FROM pg_control_system()) AS system
"""

# What PostgreSQL says when a file of its own is not what it was.
_DAMAGE = re.compile(
    r"invalid page in block|could not read block|could not access status of transaction|unexpected zero page"
    r"|corrupted page|relation mapping file|missing chunk number"
    r'|could not (open|access) (file|directory) "[^"]+": No such file'
)


class DatabaseError(ServiceError):
    """The local server did not do what was asked of it."""


@dataclass(frozen=True)
class Observation:
    """One row of what the server knows of itself; `lsn` in bytes.

    `lag_bytes` is the primary's WAL that a standby does not have on its disk: what it would lack as primary.
    """

    standby: bool
    lsn: int
    epochs: list[int]
    required: str
    conninfo: str
    receiving: bool
    upstream: str | None
    startup: str | None
    standbys: list[str]
    synchronous: bool
    lag_bytes: dict[str, int | None]
    damaged_pages: int
    system: str

    @property
    def epoch(self) -> int:
        """The epoch of the last primary whose row is here, 0 if there was none."""
        return max(self.epochs, default=0)

    @property
    def open(self) -> bool:
        """Whether this is a primary that may acknowledge commits."""
        return not self.standby and postgres_config.FENCE not in self.required

    @property
    def fenced(self) -> bool:
        """Whether nothing can be acknowledged here or to anyone from here."""
        return not self.conninfo if self.standby else not self.open

    @property
    def settled(self) -> bool:
        """Whether no WAL can arrive and all that is here is replayed."""
        # The startup process pauses like this only after it has found no further WAL anywhere.
        return not self.receiving and self.startup == "RecoveryRetrieveRetryInterval"

    @property
    def follows(self) -> str | None:
        """The node that this standby was told to stream from."""
        return psycopg.conninfo.conninfo_to_dict(self.conninfo).get("host", None)  # type: ignore[return-value]

    @property
    def position(self) -> Position:
        """How far the replayed history reaches."""
        return Position(self.epoch, self.lsn)


class Database:
    """The superuser's way to the local server, through its socket."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._parameters: dict[str, Any] = {
            "host": str(settings.runtime),
            "user": "postgres",
            "connect_timeout": 2,
            # What the node notes about itself must not wait for a standby.
            "options": "-c synchronous_commit=local -c statement_timeout=5000",
        }
        self._connection: psycopg.Connection[Any] | None = None
        self._lock = threading.Lock()
        self.damaged = False

    def connect(self, dbname: str = "postgres") -> psycopg.Connection[Any]:
        """Open a connection of the caller's own; raise psycopg.Error."""
        return psycopg.connect(**(self._parameters | {"dbname": dbname}), autocommit=True)

    def execute(self, *statements: str | sql.Composed) -> None:
        """Run statements one after the other; raise psycopg.Error."""
        with self.connect() as connection:
            for statement in statements:
                connection.execute(statement)

    def observe(self) -> Observation | None:
        """Return what the server says, or None while it cannot; `damaged` says whether its files are why."""
        with self._lock:
            try:
                observation = self._observe()
            except psycopg.Error as error:
                self.damaged = names_damage(str(error))
                self._disconnect()
                return None
            self.damaged = False
            return observation

    def _observe(self) -> Observation:
        if self._connection is None:
            self._connection = self.connect()
        with self._connection.cursor(row_factory=class_row(Observation)) as cursor:
            row = cursor.execute(_OBSERVE, {"peers": list(self._settings.peers)}).fetchone()
        if row is None:
            raise psycopg.OperationalError("no answer to the state query")
        return row

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def names_damage(message: str) -> bool:
    """Whether an error of the server's is about its own files."""
    return _DAMAGE.search(message) is not None


def setting(name: str, value: str) -> sql.Composed:
    """Return the statement that changes one server setting for good."""
    return sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value))
