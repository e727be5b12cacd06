"""The fingerprint of the votes that were there before it was kept: found out once, while votes are stored."""

import threading
import time
from typing import Any, LiteralString

import psycopg
import structlog

from postgres_ha.node import Node

log = structlog.get_logger()

LOOK_SECONDS = 10.0
# Once it is complete, only who makes the tables anew beside the worker can change that.
REST_SECONDS = 600.0

_IS_COMPLETE: LiteralString = "SELECT EXISTS (SELECT FROM public.fingerprint WHERE part = 'before')"
_IS_KEPT: LiteralString = "SELECT to_regclass('public.fingerprint') IS NOT NULL"
# One statement sees one moment: all votes, less what came since the triggers began. It holds nobody up but
# who wants to delete all votes.
_COMPLETE: LiteralString = """\
INSERT INTO public.fingerprint (part, hash)
SELECT 'before',
    coalesce((SELECT sum(public.vote_hash(id, vote, version)) FROM public.votes), 0)
    - coalesce((SELECT hash FROM public.fingerprint WHERE part = 'since'), 0)
WHERE NOT EXISTS (SELECT FROM public.fingerprint WHERE part = 'before')
ON CONFLICT DO NOTHING
"""


class Completion:
    """Look now and then, where this node is the primary, whether that part is still missing."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def start(self) -> None:
        """Look in a thread of its own."""
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(REST_SECONDS if self._node.state.open and self._is_complete() else LOOK_SECONDS)

    def _is_complete(self) -> bool:
        """Complete it if need be, and say whether it is."""
        try:
            with self._connect() as connection:
                complete(connection)
                return is_complete(connection)
        except psycopg.Error as error:
            log.warning("fingerprint not completed", error=str(error).strip())
            return False

    def _connect(self) -> psycopg.Connection[Any]:
        """Connect as the owner of the votes: what it has made is never run by a superuser."""
        settings = self._node.settings
        return psycopg.connect(
            host=str(settings.runtime), dbname="votes", user="worker", password=settings.secrets.worker,
            connect_timeout=2, autocommit=True,
        )  # fmt: skip


def complete(connection: psycopg.Connection[Any]) -> bool:
    """Find out what is missing, if votes are kept and it is; say whether it was. Raise psycopg.Error."""
    row = connection.execute(_IS_KEPT).fetchone()
    found = bool(row and row[0]) and connection.execute(_COMPLETE).rowcount > 0
    if found:
        log.info("fingerprint completed: all votes are in it")
    return found


def is_complete(connection: psycopg.Connection[Any]) -> bool:
    """Say whether votes are kept and all of them are in it; raise psycopg.Error."""
    row = connection.execute(_IS_KEPT).fetchone()
    if not row or not row[0]:
        return False
    found = connection.execute(_IS_COMPLETE).fetchone()
    return bool(found and found[0])
