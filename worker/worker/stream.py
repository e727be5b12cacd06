"""The queue's side of a worker: entries are taken, and settled only when they are stored."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import structlog
from redis import Redis
from redis.exceptions import NoPermissionError, RedisError, ResponseError

from worker.ballot import Entry, Fields
from worker.errors import ServiceError
from worker.letter import Letter
from worker.poll import OPEN, Poll

STREAM, DEAD, GROUP = "votes", "votes:dead", "workers"
# Of up to 16 votes each: eight thousand are committed in about a tenth of a second.
ENTRIES = 500
BLOCK_MILLISECONDS = 1000
CLAIM_IDLE_MILLISECONDS = 10_000
CLAIM_EVERY_SECONDS = 2.0
FORGET_IDLE_MILLISECONDS = 600_000
FORGET_EVERY_SECONDS = 60.0

NEW_COMMAND = ("unknown command", "this user has no permissions", "NOPERM")

log = structlog.get_logger()


class StreamAwayError(ServiceError):
    """The queue did not answer as it should; entries that were taken are delivered again later."""


class Held(NamedTuple):
    """What a primary goes by: the revision of the poll, None where it knows of no polls.

    Its reign says which primary that is: a process that was demoted and came back has another one.
    """

    revision: int | None
    reign: tuple[str, str]


class Every:
    """Says when something that is due every so many seconds is due again."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last = float("-inf")

    def due(self) -> bool:
        """Say whether it is due now, and if so, take it as done."""
        now = time.monotonic()
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True


class Stream:
    """The stream of votes as one consumer of the group sees it."""

    def __init__(self, client: Redis, consumer: str) -> None:
        self._client: Any = client
        self._consumer = consumer
        self._entries = ENTRIES
        self._claim = Every(CLAIM_EVERY_SECONDS)
        self._forget = Every(FORGET_EVERY_SECONDS)

    def take(self) -> list[Entry]:
        """Return entries to settle: first what a dead worker left, then new ones.

        Waits a second for new ones. Raises StreamAwayError.
        """
        with self._answering():
            if self._forget.due():
                self._forget_dead_consumers()
            found = (self._claim.due() and self._claim_abandoned()) or self._read_new()
        if len(found) == self._entries:
            self._entries = min(ENTRIES, 2 * self._entries)
        return found

    def remove(self, entry_ids: Sequence[bytes]) -> None:
        """Remove entries whose votes and dead letters are stored.

        Raises StreamAwayError; what is left is then delivered again, which does no harm.
        """
        if entry_ids:
            with self._answering(), self._client.pipeline(transaction=True) as pipeline:
                pipeline.xack(STREAM, GROUP, *entry_ids)
                pipeline.xdel(STREAM, *entry_ids)
                pipeline.execute()

    def old_letters(self) -> dict[bytes, list[Letter]]:
        """Return some of the dead letters that older workers left in the queue, by their ids there.

        Raises StreamAwayError.
        """
        with self._answering():
            found = self._client.xrange(DEAD, count=self._entries)
        return {entry_id: [old_letter(fields)] for entry_id, fields in found}

    def remove_old_letters(self, ids: Sequence[bytes]) -> None:
        """Remove old letters that are stored; raises StreamAwayError."""
        with self._answering():
            self._client.xdel(DEAD, *ids)

    def tell(self, poll: Poll) -> Held:
        """Tell the primary which poll there is: who appends a vote asks there.

        Return what it goes by then. Raises StreamAwayError.
        """
        state = "open" if poll.state == OPEN else "closed"
        told = ("VOTES.POLL", poll.revision, poll.number, state, poll.closes_milliseconds)
        with self._answering(), self._client.pipeline(transaction=False) as pipeline:
            pipeline.execute_command(*told)
            pipeline.info("server", "replication")
            # On one connection: between two commands the client may go over to another primary silently.
            return read_held(*pipeline.execute(raise_on_error=False))

    def intake(self) -> str | None:
        """Return the word that says whether votes are taken, None of a Redis that does not tell a worker.

        That is one of a release of before. Raises StreamAwayError.
        """
        with self._answering():
            try:
                return str(self._client.execute_command("VOTES.STATE")[0].decode())
            except NoPermissionError:
                return None
            except ResponseError as error:
                if not is_new_command(error):
                    raise
                return None

    def waiting(self) -> int:
        """Return how many entries are not settled yet; raise StreamAwayError."""
        with self._answering():
            return int(self._client.xlen(STREAM))

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Turn every failure into StreamAwayError, and make a group that vanished anew."""
        try:
            yield
        except ResponseError as error:
            if str(error).startswith(("NOGROUP", "no such key")):
                self._create_group()
            raise StreamAwayError(str(error)) from error
        except (RedisError, OSError) as error:
            self._client.connection_pool.disconnect()
            # Perhaps the answer was too large: Redis cuts whoever asks for more than it keeps for one client.
            self._entries = max(1, self._entries // 4)
            raise StreamAwayError(str(error)) from error

    def _create_group(self) -> None:
        try:
            self._client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
            log.info("group created", group=GROUP)
        except (RedisError, OSError) as error:
            log.info("group not created", reason=str(error))

    def _read_new(self) -> list[Entry]:
        reply = self._client.xreadgroup(
            GROUP, self._consumer, {STREAM: ">"}, count=self._entries, block=BLOCK_MILLISECONDS
        )
        return [Entry(*entry) for _, entries in reply or () for entry in entries]

    def _claim_abandoned(self) -> list[Entry]:
        _, entries, _ = self._client.xautoclaim(
            STREAM, GROUP, self._consumer, CLAIM_IDLE_MILLISECONDS, start_id="0-0", count=self._entries
        )
        if entries:
            log.info("entries claimed", count=len(entries), first_entry=entries[0][0].decode())
        return [Entry(*entry) for entry in entries]

    def _forget_dead_consumers(self) -> None:
        for consumer in self._client.xinfo_consumers(STREAM, GROUP):
            name = consumer["name"].decode()
            if is_forgettable(name, consumer["pending"], consumer["idle"], self._consumer):
                self._forget_consumer(name)

    def _forget_consumer(self, name: str) -> None:
        """Delete a consumer and deliver all again: it may have woken up and taken entries just now."""
        with self._client.pipeline(transaction=True) as pipeline:
            pipeline.xgroup_delconsumer(STREAM, GROUP, name)
            pipeline.xgroup_setid(STREAM, GROUP, id="0")
            pipeline.execute()
        log.info("consumer forgotten", consumer=name)


def is_new_command(reply: object) -> bool:
    """Say whether a Redis of a release of before does not know what it was asked."""
    return isinstance(reply, ResponseError) and str(reply).startswith(NEW_COMMAND)


def read_held(told: Any, info: Any) -> Held:
    """Read the replies to VOTES.POLL and INFO; raise one that is an error.

    Where a Redis knows but one poll, the upgrade is through before there are two.
    """
    for reply in (told, info):
        if isinstance(reply, Exception) and not is_new_command(reply):
            raise reply
    revision = None if is_new_command(told) else int(told)
    return Held(revision, (info["run_id"], info["master_replid"]))


def old_letter(fields: Fields) -> Letter:
    """Read a letter of an older worker: the fields, and two more for the entry's id and the reason."""
    content = {name: value for name, value in fields.items() if name not in {b"entry", b"reason"}}
    return Letter(fields.get(b"entry", b""), content, fields.get(b"reason", b"").decode(errors="replace"))


def is_forgettable(name: str, pending: int, idle_milliseconds: int, me: str) -> bool:
    """Say whether a consumer is another one's that has been silent for long and owes nothing."""
    return name != me and pending == 0 and idle_milliseconds > FORGET_IDLE_MILLISECONDS
