"""The database that serves, as the runner reaches it: as the owner of the votes, and never a superuser."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg

from postgres_ha.backup import room
from postgres_ha.backup.cluster import Agents, primary_of
from postgres_ha.backup.room import GIB, Room
from postgres_ha.backup.store import Settings
from postgres_ha.environment import secrets
from postgres_ha.errors import ServiceError
from postgres_ha.login import login

CONNECT_SECONDS, LOCK_SECONDS = 5, 30
WAL_ROOM_BYTES = 2 * GIB


class LiveError(ServiceError):
    """The database that serves cannot do what is asked; the message says why."""


def primary(states: Iterable[dict[str, Any]]) -> str:
    """Return the primary whose commits a standby has; raise LiveError where there is none."""
    found = primary_of(states)
    if found is None:
        raise LiveError("PostgreSQL has no primary now")
    if not found.get("synchronous"):
        raise LiveError(f"no standby follows {found['node']}: nothing could be stored safely")
    return str(found["node"])


def needed(copy: int, votes: int, *, brought: bool) -> int:
    """Return how many bytes the swap takes, with a copy that is still to be brought beside the votes.

    The swap writes the votes of the copy, and those that are there twice: all, and the later ones.
    """
    return (1 if brought else 2) * copy + 2 * votes + WAL_ROOM_BYTES


def shortage(states: Iterable[dict[str, Any]], size: int) -> str:
    """Say which data node has no room for so many bytes; empty if all have.

    A node of a release before this one does not say how much room it has.
    """
    for state in states:
        if disk := state.get("disk"):
            short = room.shortage(Room(int(disk["total"]), int(disk["free"])), size)
            if short:
                return f"{state['node']} has no room for the copy and the votes as they were: {short}"
    return ""


class Live:
    """The data nodes, and how to reach their primary."""

    def __init__(self, settings: Settings) -> None:
        self._agents = Agents(settings)

    def require_room(self, size: int) -> None:
        """Raise LiveError where a node's disk has no room for so many bytes."""
        if short := shortage(self._agents.states(), size):
            raise LiveError(short)

    @contextmanager
    def connected(self) -> Iterator[psycopg.Connection[Any]]:
        """Connect to the primary: what is committed here is on a standby, too.

        Raises LiveError, also where a commit may not be on one, and psycopg.Error.
        """
        node = primary(self._agents.states())
        warnings: list[str] = []
        options = f"-c synchronous_commit=on -c lock_timeout={LOCK_SECONDS}s"
        connect = partial(
            psycopg.connect,
            host=node, dbname="votes", user="worker", autocommit=True, options=options,
            connect_timeout=CONNECT_SECONDS, tcp_user_timeout=20_000, keepalives_idle=5,
            keepalives_interval=5, keepalives_count=3,
        )  # fmt: skip
        passwords = secrets(os.environ, "WORKER_PASSWORD_FILE", "postgres_worker_password")
        with login(passwords, lambda password: connect(password=password)) as connection:
            connection.add_notice_handler(
                lambda notice: (
                    warnings.append(notice.message_primary or "")
                    if notice.severity_nonlocalized == "WARNING"
                    else None
                )
            )
            yield connection
        if warnings:
            raise LiveError(f"it is not certain that a standby has it: {warnings[0]}")
