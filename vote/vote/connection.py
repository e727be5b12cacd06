"""A connection to the queue that knows which primary it speaks to."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from redis.backoff import NoBackoff
from redis.connection import Connection
from redis.exceptions import RedisError, ResponseError
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from vote.account import Mark
from vote.ballot import Ballot, Numbers, entries, named, probe_entries
from vote.ledger import Kept
from vote.poll import Poll, drains, is_maintained, read_poll
from vote.primary import REPLICAS_TO_CONFIRM, Identity, NotAcceptingError, identify, next_address
from vote.probe import FIELD, Probe
from vote.queue import UNSUPPORTED, NotTakenError
from vote.settings import Settings

STREAM = "votes"
WAIT_MILLISECONDS = 800
SLOWEST_ACKNOWLEDGEMENT_SECONDS = 1.0
CONNECT_SECONDS = 0.5
REFUSAL = "INTAKE "
UNKNOWN_COMMAND = "unknown command"
FORMER_FIELDS = frozenset({"poll"})
ACCOUNT_FIELDS = frozenset({"numbers", "mark"})

Entry = tuple[str, ...]


class QueueConnection:
    """One TCP connection, labelled with the identity it was opened to; it never reconnects.

    So many replicas confirm what is put into the stream; of none, nothing is waited for.
    """

    def __init__(self, connection: Any, address: str, confirmations: int = REPLICAS_TO_CONFIRM) -> None:
        self._connection = connection
        self._confirmations = confirmations
        self.address = address
        self.identity, self.fields = self._introduce()
        self.draining = False
        """Whether the queue was being emptied for workers that may not read what is written now."""
        self.maintained = False
        """Whether no votes were taken because of maintenance."""

    @property
    def takes_numbers(self) -> bool:
        """Whether votes may say which numbers they have; a Redis of the release before refuses them."""
        return self.fields >= ACCOUNT_FIELDS

    def append(self, ballots: Sequence[Ballot], numbers: Numbers | None = None) -> None:
        """Put ballots into the stream and return once a replica has confirmed them all.

        Raises NotAcceptingError when that is not certain; the same ballots may then be in the
        stream or not, and can be appended again. Raises NotTakenError when no votes are taken.
        """
        judge(self._put("VOTES.APPEND", entries(ballots, numbers)))

    def append_probes(self, probes: Sequence[Probe]) -> None:
        """Put test votes into the stream, as ballots are, and raise as then.

        A Redis of the release before has no place for them: that is a NotTakenError, too.
        """
        if FIELD not in self.fields:
            raise NotTakenError(UNSUPPORTED)
        judge(self._put("VOTES.APPEND", probe_entries(probes)))

    def replay(self, missing: Sequence[Kept]) -> None:
        """Append ballots that were acknowledged before, whatever the intake; raise NotAcceptingError.

        They have the numbers of before where that is possible.
        """
        numbered = self.takes_numbers
        sent = [e for kept in missing for e in entries(kept.ballots, kept.numbers if numbered else None)]
        replies = self._put("VOTES.REPLAY", sent)
        if any(str(reply).startswith(UNKNOWN_COMMAND) for reply in replies):
            # A Redis of the release before this one, which has no intake: this is for one release only.
            replies = self._put("VOTES.APPEND", sent)
        judge(replies)

    def mark(self, mark: Mark) -> None:
        """Tell what an account holds; raise NotAcceptingError.

        It is an entry without votes, so that a worker of the release before removes it.
        """
        judge(self._ask(("VOTES.REPLAY", STREAM, "votes", "[]", *named(mark.poll), "mark", mark.text)))

    def present_poll(self) -> Poll:
        """Ask which poll there is, and what the intake is; raise NotAcceptingError without an answer."""
        (reply,) = self._ask(("VOTES.STATE",))
        self.draining, self.maintained = drains(reply), is_maintained(reply)
        return read_poll(reply)

    def close(self) -> None:
        """Close the connection."""
        self._connection.disconnect()

    def _introduce(self) -> tuple[Identity, frozenset[str]]:
        """Return who answers, and the fields that may stand behind a vote there."""
        info, fields = self._ask(("INFO", "server", "replication"), ("VOTES.FIELDS",))
        if isinstance(info, ResponseError):
            raise NotAcceptingError(str(info))
        identity = identify(info.decode(errors="replace"), self._confirmations)
        return identity, read_fields(fields)

    def _put(self, command: str, sent: Iterable[Entry]) -> list[Any]:
        """Send entries; return the replies to them once a replica confirmed what was appended."""
        began = time.monotonic()
        *replies, confirmed = self._ask(
            *((command, STREAM, *entry) for entry in sent),
            ("WAIT", self._confirmations, WAIT_MILLISECONDS),
        )
        if isinstance(confirmed, ResponseError) or confirmed < self._confirmations:
            raise NotAcceptingError("no replica confirmed")
        if time.monotonic() - began > SLOWEST_ACKNOWLEDGEMENT_SECONDS:
            raise NotAcceptingError("the confirmation came too late to be trusted")
        return replies

    def _ask(self, *commands: tuple[str | int, ...]) -> list[Any]:
        """Send all commands at once and return all replies; that of a refused command is its error."""
        try:
            self._connection.send_packed_command(self._connection.pack_commands(commands))
            return [self._reply() for _ in commands]
        except (RedisError, OSError) as error:
            raise NotAcceptingError(str(error)) from error

    def _reply(self) -> Any:
        try:
            return self._connection.read_response()
        except ResponseError as error:
            return error


def read_fields(reply: Any) -> frozenset[str]:
    """Read the reply to VOTES.FIELDS; a Redis of a release that knew but one field answers an error."""
    return FORMER_FIELDS if isinstance(reply, ResponseError) else frozenset(name.decode() for name in reply)


def judge(replies: Sequence[Any]) -> None:
    """Return if every entry was appended.

    Raises NotTakenError where the intake refused them all, and NotAcceptingError where some may be appended.
    """
    errors = [str(reply) for reply in replies if isinstance(reply, ResponseError)]
    if len(errors) == len(replies) and all(error.startswith(REFUSAL) for error in errors):
        raise NotTakenError(errors[0].removeprefix(REFUSAL))
    if errors:
        raise NotAcceptingError(errors[0])


class TlsConnection(Connection):
    """A connection with TLS to one address of a host, which shows that it is that host."""

    def __init__(self, context: ssl.SSLContext, server_name: str, **settings: Any) -> None:
        self._context = context
        self._server_name = server_name
        make: Any = super().__init__  # redis-py leaves its connections untyped
        make(**settings)

    def _connect(self) -> ssl.SSLSocket:
        connect: Any = super()._connect
        return self._context.wrap_socket(connect(), server_hostname=self._server_name)


class Dialler:
    """Opens connections, always turning away from the address that failed last."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._make = _maker(settings)
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
            opened = QueueConnection(connection, address, self._settings.queue_confirmations)
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

    def _prepare(self, address: str) -> Any:
        return self._make(
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


def _maker(settings: Settings) -> Any:
    """Return what makes connections: with TLS where there is an authority to know the queue by."""
    if settings.redis_authority is None:
        return Connection
    context = ssl.create_default_context(cafile=settings.redis_authority)
    return partial(TlsConnection, context, settings.redis_host)
