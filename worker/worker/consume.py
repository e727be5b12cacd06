"""The worker's loop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import structlog

from worker.ballot import Ballot, open_entry
from worker.letter import Letter, letters_of, parcels
from worker.patience import Patience, StoppingError
from worker.settle import store_batch
from worker.store import Store, StoreAwayError, UnstorableError
from worker.stream import Every, Stream, StreamAwayError

PULSE_EVERY_SECONDS = 2.0
OLD_LETTERS_EVERY_SECONDS = 1.0
MOST_REASONS = 10

Remove = Callable[[Sequence[bytes]], None]

log = structlog.get_logger()


class Consumer:
    """Takes batches, stores them, and only then removes them from the queue."""

    def __init__(
        self,
        stream: Stream,
        store: Store,
        patience: Patience,
        stop: threading.Event,
    ) -> None:
        self._stream = stream
        self._store = store
        self._patience = patience
        self._stop = stop
        self._pulse = Every(PULSE_EVERY_SECONDS)
        self._old_letters = Every(OLD_LETTERS_EVERY_SECONDS)

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
        try:
            if self._pulse.due():
                self._store.pulse()
            if self._old_letters.due():
                self._bury(self._stream.old_letters(), self._stream.remove_old_letters)
            self._handle_batch()
        except StreamAwayError as error:
            log.warning("queue away", reason=str(error))
            self._patience.rest()
        except StoreAwayError as error:
            log.warning("database away", reason=str(error))
            self._patience.rest()
        else:
            self._patience.reset()

    def _handle_batch(self) -> None:
        contents = [open_entry(entry) for entry in self._stream.take()]
        if not contents:
            return
        stored, poison = store_batch(contents, self._save_at_last)
        # First: a queue that is full has room again, whatever becomes of the letters.
        self._stream.remove(stored)
        log.info("batch stored", entries=len(stored))
        self._bury(letters_of(poison), self._stream.remove)

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
                remove(ids)
                log.error("dead letters", count=len(parcel), first_entry=first, reasons=reasons)

    def _save_at_last(self, ballots: Sequence[Ballot]) -> None:
        self._at_last(partial(self._store.save, ballots))

    def _at_last(self, commit: Callable[[], None]) -> None:
        """Commit however long the database is away, or raise StoppingError."""
        while True:
            self._patience.beat()
            try:
                commit()
            except StoreAwayError as error:
                log.warning("database away, batch waits", reason=str(error))
                self._patience.rest()
            else:
                self._patience.reset()
                return
