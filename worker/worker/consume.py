"""The worker's loop."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import structlog

from worker.ballot import Ballot, open_entry
from worker.patience import Patience, StoppingError
from worker.settle import store_batch
from worker.store import Store, StoreAwayError
from worker.stream import Every, Stream, StreamAwayError

PULSE_EVERY_SECONDS = 2.0

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
        self._stream.settle(stored, poison)
        log.info("batch stored", entries=len(stored))
        for entry_id, bad in poison.items():
            log.error("entry is poison", entry=entry_id.decode(), reasons=[each.reason for each in bad])

    def _save_at_last(self, ballots: Sequence[Ballot]) -> None:
        """Store ballots however long the database is away, or raise StoppingError."""
        while True:
            self._patience.beat()
            try:
                self._store.save(ballots)
            except StoreAwayError as error:
                log.warning("database away, batch waits", votes=len(ballots), reason=str(error))
                self._patience.rest()
            else:
                self._patience.reset()
                return
