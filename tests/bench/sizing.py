"""What a vote weighs at each place that it passes, and how fast Redis alone takes votes in."""

import time
from collections.abc import Iterator
from typing import Any

from bench import storing
from bench.ballots import TOGETHER, append, batches, enqueue
from bench.figure import KNOWN, Figure, alone
from bench.run import Run
from bench.storing import VOTES_PER_COMMIT, Store
from vote.ballot import VOTES_PER_ENTRY

WAIT_MILLISECONDS = 800


def measure(run: Run) -> Iterator[Figure]:
    """Measure bytes and rates while the worker stands still."""
    with storing.store(workers=1) as (store, (worker,)):
        rates, single, shared, logged, stored = [], [], [], [], []
        for _ in run.rounds(f"{storing.VOTES:,} votes queued and stored"):
            worker.pause()
            rates.append(_confirmed(store))
            single.append(_queued(store, together=1))
            shared.append(_queued(store, together=TOGETHER))
            worker.go_on()
            with store.queue("worker") as queue:
                storing.wait_until_empty(queue)
            store.empty()
            logged.append(_logged(store))
            stored.append(_stored(store))
        together = f"one Python connection to Redis, {VOTES_PER_ENTRY} votes to a WAIT"
        yield alone(together, "votes/s", rates, KNOWN)
        yield alone("memory of Redis for a queued vote, each an entry", "bytes", single, KNOWN)
        yield alone(f"memory of Redis for a queued vote, {TOGETHER} to an entry", "bytes", shared, KNOWN)
        yield alone(f"write-ahead log for a vote, {VOTES_PER_COMMIT:,} to a commit", "bytes", logged, KNOWN)
        yield alone("disk of PostgreSQL for a voter, index included", "bytes", stored, KNOWN)


def _confirmed(store: Store) -> float:
    with store.queue("vote") as queue:
        pipes: Any = queue
        began = time.monotonic()
        for batch in batches(store.votes, VOTES_PER_ENTRY):
            with pipes.pipeline(transaction=False) as pipeline:
                append(pipeline, batch)
                pipeline.wait(1, WAIT_MILLISECONDS)
                if not pipeline.execute()[-1]:
                    raise TimeoutError("no replica confirmed the votes in time")
        return len(store.votes) / (time.monotonic() - began)


def _queued(store: Store, together: int) -> float:
    with store.queue("vote") as queue:
        before = queue.info("memory")["used_memory"]
        enqueue(queue, store.votes, together)
        return float(queue.info("memory")["used_memory"] - before) / len(store.votes)


def _logged(store: Store) -> float:
    with store.primary("worker") as connection:
        (before,) = connection.execute("SELECT pg_current_wal_insert_lsn()").fetchone()
        store.by_hand()
        found = connection.execute("SELECT pg_current_wal_insert_lsn() - %s::pg_lsn", (before,))
        return float(found.fetchone()[0]) / len(store.votes)


def _stored(store: Store) -> float:
    with store.primary("worker") as connection:
        found = connection.execute("SELECT pg_total_relation_size('votes')::float / count(*) FROM votes")
        return float(found.fetchone()[0])
