"""A connection to the queue that knows which primary it speaks to."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from typing import Any

from redis.backoff import NoBackoff
from redis.connection import Connection
from redis.exceptions import RedisError
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from vote.ballot import Ballot, entries
from vote.primary import Identity, NotAcceptingError, identify, next_address
from vote.settings import Settings

STREAM = "votes"
REPLICAS_TO_CONFIRM = 1
WAIT_MILLISECONDS = 800
SLOWEST_ACKNOWLEDGEMENT_SECONDS = 1.0
CONNECT_SECONDS = 0.5


class QueueConnection:
    """One TCP connection, labelled with the identity it was opened to; it never reconnects."""

    def __init__(self, connection: Any, address: str) -> None:
        self._connection = connection
        self.address = address
        self.identity = self._read_identity()

    def append(self, ballots: Sequence[Ballot]) -> None:
        """Put ballots into the stream and return once a replica has confirmed them all.

        Raises NotAcceptingError when that is not certain; the same ballots may then be in the
        stream or not, and can be appended again.
        """
        began = time.monotonic()
        replies = self._ask(
            *(("VOTES.APPEND", STREAM, *entry) for entry in entries(ballots)),
            ("WAIT", REPLICAS_TO_CONFIRM, WAIT_MILLISECONDS),
        )
        if replies[-1] < REPLICAS_TO_CONFIRM:
            raise NotAcceptingError("no replica confirmed")
        if time.monotonic() - began > SLOWEST_ACKNOWLEDGEMENT_SECONDS:
            raise NotAcceptingError("the confirmation came too late to be trusted")

    def close(self) -> None:
        """Close the connection."""
        self._connection.disconnect()

    def _read_identity(self) -> Identity:
        (info,) = self._ask(("INFO", "server", "replication"))
        return identify(info.decode(errors="replace"))

    def _ask(self, *commands: tuple[str | int, ...]) -> list[Any]:
        """Send all commands at once and return all replies; any error spoils the whole."""
        try:
            self._connection.send_packed_command(self._connection.pack_commands(commands))
            return [self._connection.read_response() for _ in commands]
        except (RedisError, OSError) as error:
            raise NotAcceptingError(str(error)) from error


class Dialler:
    """Opens connections, always turning away from the address that failed last."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._failed: str | None = None
        self._met: Identity | None = None
        self.newcomer = threading.Event()
        """Set when a connection met another primary than the connection before it."""

    def open(self) -> QueueConnection:
        """Return a connection to a primary that accepts votes, or raise NotAcceptingError."""
        address = next_address(self._addresses(), self._failed)
        connection = self._prepare(address)
        try:
            connection.connect()
            opened = QueueConnection(connection, address)
        except (RedisError, OSError, NotAcceptingError) as error:
            self._failed = address
            connection.disconnect()
            raise NotAcceptingError(f"{address}: {error}") from error
        self._meet(opened.identity)
        return opened

    def drop(self, connection: QueueConnection) -> None:
        """Close a connection that failed and avoid its address next time."""
        self._failed = connection.address
        connection.close()

    def _meet(self, identity: Identity) -> None:
        if identity != self._met:
            self._met = identity
            self.newcomer.set()

    def _addresses(self) -> list[str]:
        host, port = self._settings.redis_host, self._settings.redis_port
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise NotAcceptingError(f"{host}: {error}") from error
        return [str(address[0]) for *_, address in found]

    def _prepare(self, address: str) -> Any:  # redis-py leaves its connections untyped
        make: Any = Connection
        return make(
            host=address,
            port=self._settings.redis_port,
            username=self._settings.redis_username,
            password=self._settings.redis_password,
            socket_timeout=SLOWEST_ACKNOWLEDGEMENT_SECONDS,
            socket_connect_timeout=CONNECT_SECONDS,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )
