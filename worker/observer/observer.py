"""Who asks all parts of the stack, and puts their answers together."""

from __future__ import annotations

from functools import partial
from typing import Any

from observer import audit, node_states, question
from observer.containers import summarize_containers
from observer.intake import INTAKE
from observer.picture import (
    Picture,
    count_open_primaries,
    known_losses,
    summarize_backups,
    summarize_certificates,
    summarize_poll,
    summarize_postgres,
    summarize_queue,
    summarize_redis,
    summarize_votes,
    waiting_seconds,
)
from observer.question import Question, Stored
from observer.settings import Settings
from worker import stream

QUEUE = (
    ("XLEN", stream.STREAM),
    ("XLEN", stream.DEAD),
    ("XRANGE", stream.STREAM, "-", "+", "COUNT", "1"),
)
# How long the queue is, and its ends. Asked by itself: a Redis of the release before refuses the second.
# First the newest: an entry that comes in between is not one of those that had to be there.
ENDS = (
    ("XLEN", stream.STREAM),
    ("XREVRANGE", stream.STREAM, "+", "-", "COUNT", "1"),
    ("XRANGE", stream.STREAM, "-", "+", "COUNT", "1"),
)
# Each look reads all accounts: of ten thousand processes in 0.4 s.
ACCOUNTS_SECONDS = 5.0


class Observer:
    """Asks every part over a connection of its own; who is silent holds nobody up."""

    def __init__(self, settings: Settings) -> None:
        access, host = settings.access, settings.access.redis_host
        self._agents = {
            node: Question(node, node_states.state(node, settings.trust)) for node in settings.postgres_nodes
        }
        self._roles = {
            node: Question(node, question.redis(access, node, ("ROLE",))) for node in settings.redis_nodes
        }
        self._queue = Question("queue", question.redis(access, host, *QUEUE))
        # Asked by itself: a Redis of the release before this one refuses it.
        self._intake = Question("intake", question.redis(access, host, ("GET", INTAKE)))
        self._poll = Question("poll", question.redis(access, host, ("VOTES.STATE",)))
        database = question.Database(access)
        self._database = Question("database", database)
        book, ends = partial(database.ask, audit.read_book), question.redis(access, host, *ENDS)
        self._accounts = Question("accounts", audit.Audit(book, ends, self._reign), ACCOUNTS_SECONDS)

    @property
    def questions(self) -> list[Question]:
        """All that is asked."""
        nodes = [*self._agents.values(), *self._roles.values()]
        return [*nodes, self._queue, self._intake, self._poll, self._database, self._accounts]

    def gather(self, before: Picture | None, now: float) -> dict[str, Any]:
        """Put the latest answers together; never waits."""
        states, roles = self._nodes()
        stored: Stored | None = self._database.answer()
        letters = stored.letters if stored else None
        queue = summarize_queue(self._queue.answer(), letters, self._intake.answer())
        accounts = self._accounts.answer()
        return {
            "at": now,
            "postgres": summarize_postgres(states),
            "open_primaries": count_open_primaries(states),
            "containers": summarize_containers(states),
            "redis": summarize_redis(roles),
            "queue": {**queue, "waiting_seconds": waiting_seconds(before, queue, now)},
            "votes": summarize_votes(stored.tally, stored.pulse_age) if stored else summarize_votes(None),
            "poll": summarize_poll(stored.poll if stored else None, self._poll.answer()),
            "certificates": summarize_certificates(stored.certificates if stored else None),
            "backups": summarize_backups(states),
            "accounts": accounts,
            "keeps_accounts": True,
            "losses": known_losses(before, accounts),
        }

    def _nodes(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what the nodes of both clusters say of themselves, by name."""
        states = {node: answer for node, each in self._agents.items() if (answer := each.answer())}
        roles = {node: answer[0] for node, each in self._roles.items() if (answer := each.answer())}
        return states, roles

    def _reign(self) -> tuple[str, str] | None:
        """Return both primaries, None while one of them is not known."""
        states, roles = self._nodes()
        postgres, redis = summarize_postgres(states)["primary"], summarize_redis(roles)["primary"]
        return (postgres, redis) if postgres and redis else None
