"""Puts acknowledged votes into the queue again when the primary has changed."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence

import structlog

from vote import lifelong, metrics
from vote.account import Accounts, Told
from vote.connection import Dialler, QueueConnection
from vote.ledger import FULL, Kept, Ledger
from vote.poll import UNKNOWN, later
from vote.primary import NotAcceptingError

POLL_SECONDS = 1.0
RETRY_SECONDS = (0.05, 0.15)

log = structlog.get_logger()


class Replayer:
    """Looks once a second, and at once after a change, which primary is there.

    When the primary has everything, it is told which numbers are acknowledged, each half minute once more.
    """

    def __init__(self, dialler: Dialler, ledger: Ledger, accounts: Accounts) -> None:
        self._dialler = dialler
        self._ledger = ledger
        self._accounts = accounts
        self._away = False
        self.last_success: float | None = None
        """When the present primary last had everything, on the monotonic clock."""
        self.poll = UNKNOWN
        """The poll that there was then."""
        self.draining = False
        """Whether nothing but votes was told then."""
        self.maintained = False
        """Whether no votes were taken then because of maintenance."""

    def start(self) -> None:
        """Run for as long as the process lives."""
        lifelong.start(self._run, "replay")

    def _run(self) -> None:
        while True:
            self._dialler.newcomer.clear()
            try:
                self._catch_up()
            except NotAcceptingError as error:
                self._note_away(True, str(error))
                time.sleep(random.uniform(*RETRY_SECONDS))  # noqa: S311
            else:
                self._note_away(False, "")
                self._dialler.newcomer.wait(POLL_SECONDS)

    def _catch_up(self) -> None:
        """Bring the present primary up to date, or raise NotAcceptingError.

        Asks on a new connection: an old one may lead to a primary that was replaced meanwhile.
        """
        connection = self._dialler.open()
        try:
            self.poll = later(self.poll, connection.present_poll())
            self.draining, self.maintained = connection.draining, connection.maintained
            missing = self._ledger.poll(connection.identity, time.monotonic())
            for chunk in chunks(missing, FULL):
                self._replay(chunk, connection)
            if missing:
                count = sum(len(kept.ballots) for kept in missing)
                log.info("votes replayed", count=count, primary=connection.identity.run_id)
            self.last_success = time.monotonic()
            # The workers after a drain may be of a release that takes a mark for a vote without its parts.
            if connection.takes_numbers and not connection.draining:
                self._tell(connection)
        finally:
            connection.close()

    def _replay(self, chunk: Sequence[Kept], connection: QueueConnection) -> None:
        connection.replay(chunk)
        for kept in chunk:
            metrics.REPLAYED.inc(len(kept.ballots))
            kept.confirmed_by.add(connection.identity)
            if kept.numbers and not connection.takes_numbers:
                self._accounts.strip(kept.numbers, len(kept.ballots))

    def _tell(self, connection: QueueConnection) -> None:
        """Tell which numbers are acknowledged; what the primary does not take is told a second later."""
        now = time.monotonic()
        for account, mark in self._accounts.untold(connection.identity, self.poll.number, now):
            try:
                connection.mark(mark)
            except NotAcceptingError as error:
                log.warning("account not told", process=account.process, reason=str(error))
                return
            account.told = Told(connection.identity, mark.text, now)

    def _note_away(self, away: bool, reason: str) -> None:
        if away != self._away:
            self._away = away
            log.warning("queue away" if away else "queue back", reason=reason)


def chunks(missing: Sequence[Kept], size: int) -> Iterator[list[Kept]]:
    """Yield what is missing in parts that end with the one that makes them `size` ballots or more."""
    chunk: list[Kept] = []
    count = 0
    for kept in missing:
        chunk.append(kept)
        count += len(kept.ballots)
        if count >= size:
            yield chunk
            chunk, count = [], 0
    if chunk:
        yield chunk
