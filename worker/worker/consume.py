"""The worker's loop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

import structlog

from worker import metrics
from worker.account import Row
from worker.ballot import Ballot, open_entry
from worker.letter import Letter, letters_of, parcels
from worker.patience import Patience, StoppingError
from worker.poll import Poll, next_state
from worker.settle import store_batch
from worker.store import Store, StoreAwayError, UnstorableError
from worker.stream import Every, Held, Stream, StreamAwayError

PULSE_EVERY_SECONDS = 2.0
OLD_LETTERS_EVERY_SECONDS = 1.0
MOST_REASONS = 10

Remove = Callable[[Sequence[bytes]], None]

log = structlog.get_logger()


class Told(NamedTuple):
    """What the queue goes by, and since when, on the monotonic clock."""

    held: Held
    since: float


def batch_name(entry_ids: Sequence[bytes]) -> dict[str, str]:
    """Return what ties the log's lines of a batch together: where in the queue it begins and ends."""
    return {"first_entry": entry_ids[0].decode(), "last_entry": entry_ids[-1].decode()}


class Consumer:
    """Takes batches, stores them, and only then removes them from the queue."""

    def __init__(
        self,
        stream: Stream,
        store: Store,
        patience: Patience,
        stop: threading.Event,
        closes: datetime | None = None,
    ) -> None:
        self._stream = stream
        self._store = store
        self._patience = patience
        self._stop = stop
        self._closes = closes
        self._configured = False
        self._told: Told | None = None
        self._intake: str | None = None
        self._pulse = Every(PULSE_EVERY_SECONDS)
        self._old_letters = Every(OLD_LETTERS_EVERY_SECONDS)
        self._batch: Mapping[str, str] = {}  # the batch in hand, as the log names it

    def run(self) -> None:
        """Work until asked to stop; a batch in hand is finished if the database is there."""
        try:
            while not self._stop.is_set():
                self._patience.beat()
                self._turn()
        except StoppingError:
            log.info("stopped while waiting; entries in hand stay in the queue")
        finally:
            self._stream.close()
            self._store.close()

    def _turn(self) -> None:
        self._batch = {}
        try:
            if self._pulse.due():
                self._follow_poll()
            if self._old_letters.due():
                self._bury(self._stream.old_letters(), self._stream.remove_old_letters)
            self._handle_batch()
        except StreamAwayError as error:
            self._told = None
            log.warning("queue away", reason=str(error))
            self._patience.rest()
        except StoreAwayError as error:
            log.warning("database away", reason=str(error))
            self._patience.rest()
        else:
            self._patience.reset()

    def _follow_poll(self) -> None:
        """Tell the queue which poll there is; see whether its time is over, or all its votes are stored."""
        if not self._configured:
            self._store.configure(self._closes)
            self._configured = True
        poll = self._store.poll()
        self._store.pulse(self._intake)  # what was read before it is on a standby now
        self._intake = None  # not known, if the queue does not answer
        waiting = self._stream.waiting()  # before it is told: if another primary is told then, that shows
        told_seconds = self._tell(poll)
        self._intake = self._stream.intake()
        state = next_state(poll, waiting, told_seconds)
        if state != poll.state:
            self._store.enter(poll, state)
            log.info("poll", number=poll.number, state=state)

    def _tell(self, poll: Poll) -> float:
        """Tell the queue; return for how many seconds it has gone by this revision without a break.

        Another primary is a break, also where the connection was renewed without a word.
        """
        held = self._stream.tell(poll)
        if held.revision is not None and held.revision > poll.revision:
            # Its word came from a database that had more than this one, which was promoted by force.
            log.error("the queue knows a later poll than the database", number=poll.number)
            self._store.outbid(poll, held.revision)
        if held.revision != poll.revision:
            self._told = None
            return 0.0
        if self._told is None or self._told.held != held:
            self._told = Told(held, time.monotonic())
        return time.monotonic() - self._told.since

    def _handle_batch(self) -> None:
        contents = [open_entry(entry) for entry in self._stream.take()]
        if not contents:
            return
        self._batch = batch_name([content.entry_id for content in contents])
        stored, poison = store_batch(contents, self._save_at_last)
        if votes := sum(len(content.ballots) for content in contents):
            metrics.BATCH.observe(votes)
        metrics.UNNUMBERED.inc(sum(len(content.ballots) for content in contents if not content.process))
        # First: a queue that is full has room again, whatever becomes of the letters.
        self._stream.remove(stored)
        log.info("batch stored", entries=len(stored), **self._batch)
        self._show([content.probe for content in contents if content.probe])
        self._bury(letters_of(poison), self._stream.remove)

    def _show(self, probes: Sequence[str]) -> None:
        """Let viewers see test votes, if that works at once; else nothing is lost but them."""
        if not probes:
            return
        try:
            self._store.show(probes)
        except (StoreAwayError, UnstorableError) as error:
            log.error("test votes not shown", count=len(probes), reason=str(error))

    def _bury(self, letters: Mapping[bytes, Sequence[Letter]], remove: Remove) -> None:
        """Move letters to the database; those that it refuses stay in the queue, not here."""
        for ids, parcel in parcels(letters):
            first = parcel[0].entry.decode(errors="replace")
            reasons = sorted({letter.reason for letter in parcel})[:MOST_REASONS]
            try:
                self._at_last(partial(self._store.bury, parcel))
            except UnstorableError as error:
                log.error("dead letters refused", count=len(parcel), first_entry=first, reason=str(error))
            else:
                metrics.DEAD_LETTERS.inc(len(parcel))
                remove(ids)
                log.error("dead letters", count=len(parcel), first_entry=first, reasons=reasons)

    def _save_at_last(self, ballots: Sequence[Ballot], poll: int, adds: Sequence[Row]) -> None:
        self._at_last(partial(self._save, ballots, poll, adds))

    def _save(self, ballots: Sequence[Ballot], poll: int, adds: Sequence[Row]) -> None:
        began = time.perf_counter()
        self._store.save(ballots, poll, adds)
        metrics.COMMIT.observe(time.perf_counter() - began)
        metrics.STORED.inc(len(ballots))

    def _at_last(self, commit: Callable[[], None]) -> None:
        """Commit however long the database is away, or raise StoppingError."""
        while True:
            self._patience.beat()
            try:
                commit()
            except StoreAwayError as error:
                log.warning("database away, batch waits", reason=str(error), **self._batch)
                metrics.RETRIES.inc()
                self._patience.rest()
            else:
                self._patience.reset()
                return
