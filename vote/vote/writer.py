"""The way of a vote into the queue: what returns from here was acknowledged."""

from __future__ import annotations

import random
import threading
import time
from queue import Empty, SimpleQueue

import structlog

from vote import lifelong, metrics
from vote.account import Accounts
from vote.ballot import Ballot, Numbers
from vote.connection import Dialler, QueueConnection
from vote.errors import ServiceError
from vote.ledger import Ledger
from vote.poll import Poll
from vote.primary import NotAcceptingError
from vote.probe import Probe
from vote.queue import NotRecordedError, NotTakenError
from vote.replay import Replayer
from vote.settings import Settings

BATCH = 1000
# How often whoever is ready goes first before a batch is sent: Redis, its replicas and HAProxy work as hard
# for a batch of one as of ten, and take the time from those who answer voters. When idle, turns take none.
TURNS = 3
DEADLINE_SECONDS = 10.0
RETRY_SECONDS = (0.05, 0.15)
REPLAY_AFTER_LAST_SECONDS = 5.0
LONGEST_FINISH_SECONDS = 30.0
LAST_WORD_SECONDS = 5.0

OTHER = "other"
"""What the intake answers to votes for another poll than it takes."""

log = structlog.get_logger()


class _Pending:
    """A ballot on its way, waited for by its request."""

    def __init__(self, ballot: Ballot | Probe) -> None:
        self.ballot = ballot
        self.deadline = time.monotonic() + DEADLINE_SECONDS
        self.tried = False  # so it may be in the queue
        self.answered = threading.Event()
        self.refusal: ServiceError | None = None


class Writer:
    """One writer, that sends in one go what has gathered while it waited for the last to be confirmed.

    More than one would only make the batches smaller: Redis and its replicas wake up once for each.
    """

    def __init__(self, settings: Settings) -> None:
        self._waiting: SimpleQueue[_Pending] = SimpleQueue()
        self._dialler = Dialler(settings)
        self._ledger = Ledger()
        self._accounts = Accounts()
        self._replayer = Replayer(self._dialler, self._ledger, self._accounts)
        self._in_hand = 0
        self._last_acknowledged = time.monotonic() - REPLAY_AFTER_LAST_SECONDS

    def start(self) -> None:
        """Start the writer and the replay, and let both be watched."""
        metrics.LEDGER.set_function(lambda: len(self._ledger))
        metrics.READY.set_function(self.ready)
        self._replayer.start()
        lifelong.start(self._write, "writer")

    def publish(self, ballot: Ballot | Probe) -> None:
        """Return once the primary and a replica hold the ballot.

        Raises NotRecordedError after ten seconds without an acknowledgement, NotTakenError while no votes are
        taken.
        """
        pending = _Pending(ballot)
        self._in_hand += 1
        try:
            self._waiting.put(pending)
            if not pending.answered.wait(DEADLINE_SECONDS):
                raise NotRecordedError
            if pending.refusal:
                raise pending.refusal
        finally:
            self._in_hand -= 1

    @property
    def poll(self) -> Poll:
        """The poll there is; up to a second or so ago it may have been another one."""
        return self._replayer.poll

    @property
    def maintained(self) -> bool:
        """Whether no votes are taken because of maintenance, as of a second or so ago."""
        return self._replayer.maintained

    def ready(self) -> bool:
        """Say whether a vote that comes now can be expected to be acknowledged within its deadline."""
        last = self._replayer.last_success
        return last is not None and time.monotonic() - last < DEADLINE_SECONDS

    def finish(self) -> None:
        """Return when no vote is under way and the last one is safe without this process.

        That is when a primary had everything some seconds after the last acknowledgement. Gives up,
        and says so, if no primary is found for half a minute. Then a primary is told that this was all.
        """
        limit = time.monotonic() + LONGEST_FINISH_SECONDS
        while not self._settled():
            if time.monotonic() > limit:
                log.error("leaving although no primary is known to have every vote", votes=len(self._ledger))
                return
            time.sleep(0.1)
        self._say_last_word()

    def _say_last_word(self) -> None:
        """Let it be told at once; without it the accounts cannot say that no vote is missing."""
        self._accounts.end()
        self._dialler.newcomer.set()
        limit = time.monotonic() + LAST_WORD_SECONDS
        while not self._accounts.ended and not self._replayer.draining:
            if time.monotonic() > limit:
                log.warning("leaving without a last word")
                return
            time.sleep(0.1)

    def _settled(self) -> bool:
        if self._in_hand:
            return False
        safe_from = self._last_acknowledged + REPLAY_AFTER_LAST_SECONDS
        return not len(self._ledger) or (self._replayer.last_success or 0.0) >= safe_from

    def _write(self) -> None:
        connection: QueueConnection | None = None
        while True:
            for batch in apart(self._take()):
                connection = self._send(batch, connection)

    def _send(self, batch: list[_Pending], connection: QueueConnection | None) -> QueueConnection | None:
        """Send a batch of one kind, and return the connection for the next one, None where it is lost."""
        try:
            connection = connection or self._dialler.open()
            numbers = self._append(batch, connection)
        except NotAcceptingError as error:
            if connection:
                log.warning("connection dropped", votes=len(batch), reason=str(error))
                self._dialler.drop(connection)
            self._give_back(batch, tried=connection is not None)
            time.sleep(random.uniform(*RETRY_SECONDS))  # noqa: S311
            return None
        except NotTakenError as error:
            _refuse(batch, error.state)
            if error.state == OTHER:
                self._dialler.newcomer.set()  # who looks which poll there is
        else:
            self._acknowledge(batch, connection, numbers)
        return connection

    def _take(self) -> list[_Pending]:
        """Wait for at least one ballot whose request still waits, and take all that are there."""
        while True:
            batch = [self._waiting.get()]
            for _ in range(TURNS):
                time.sleep(0)
            try:
                while len(batch) < BATCH:
                    batch.append(self._waiting.get_nowait())
            except Empty:
                pass
            now = time.monotonic()
            alive = [pending for pending in batch if pending.deadline > now]
            poll = self.poll.number
            _refuse([pending for pending in alive if pending.ballot.poll != poll], OTHER)
            if present := [pending for pending in alive if pending.ballot.poll == poll]:
                return present

    def _give_back(self, batch: list[_Pending], *, tried: bool) -> None:
        for pending in batch:
            pending.tried = pending.tried or tried
            self._waiting.put(pending)

    def _append(self, batch: list[_Pending], connection: QueueConnection) -> Numbers | None:
        """Append votes, and return their numbers, or test votes; raise what the connection raises.

        The votes, all of one poll, get numbers that no attempt before had.
        """
        ballots = ballots_of(batch)
        if not ballots:
            connection.append_probes(
                [pending.ballot for pending in batch if isinstance(pending.ballot, Probe)]
            )
            return None
        numbers = self._accounts.take(len(ballots), ballots[0].poll) if connection.takes_numbers else None
        connection.append(ballots, numbers)
        return numbers

    def _acknowledge(
        self, batch: list[_Pending], connection: QueueConnection, numbers: Numbers | None
    ) -> None:
        if ballots := ballots_of(batch):
            self._ledger.confirm(ballots, connection.identity, numbers)
            self._last_acknowledged = time.monotonic()
            if numbers:
                self._accounts.acknowledge(numbers, len(ballots))
            else:
                metrics.UNNUMBERED.inc(len(ballots))
        for pending in batch:
            pending.answered.set()


def apart(batch: list[_Pending]) -> list[list[_Pending]]:
    """Return the votes and the test votes of a batch, those of which there are any.

    What is wrong with the latter must concern no vote.
    """
    votes = [pending for pending in batch if isinstance(pending.ballot, Ballot)]
    probes = [pending for pending in batch if isinstance(pending.ballot, Probe)]
    return [kind for kind in (votes, probes) if kind]


def ballots_of(batch: list[_Pending]) -> list[Ballot]:
    """Return the ballots of a batch: a test vote is kept by nobody and never replayed."""
    return [pending.ballot for pending in batch if isinstance(pending.ballot, Ballot)]


def _refuse(batch: list[_Pending], state: str) -> None:
    """Answer ballots while no votes are taken; one that was tried before may be in the queue already."""
    for pending in batch:
        pending.refusal = NotRecordedError() if pending.tried else NotTakenError(state)
        pending.answered.set()
