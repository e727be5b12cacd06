"""A million votes that waited in the queue, drained while new ones come in."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from bench import storing
from bench.ballots import ballots, enqueue
from bench.beside import beside, due
from bench.figure import Figure, Target, compared, thirds
from bench.footprint import MEBIBYTE, growing
from bench.part import Part
from bench.plot import Line, Plot
from bench.run import Run
from bench.storing import Store
from vote.ballot import Ballot

BACKLOG = 1_000_000
NEW_PER_SECOND = 500
SAMPLE_SECONDS = 0.5
AS_FAST = Target(at_least=0.95)
FLAT = Target(at_most=1.1)


@dataclass
class Gauge:
    """A worker's memory in MiB while it drains, and what the queue still holds after so many seconds."""

    worker: Part
    queue: Any
    samples: list[float] = field(default_factory=list)
    left: list[tuple[float, float]] = field(default_factory=list)

    def read(self, ending: threading.Event) -> None:
        """Take a sample twice a second."""
        began = time.monotonic()
        while not ending.wait(SAMPLE_SECONDS):
            self.samples.append(growing(self.worker.container) / MEBIBYTE)
            self.left.append((time.monotonic() - began, self.queue.xlen("votes")))


def measure(run: Run) -> Iterator[Figure | Plot]:
    """Compare a backlog's drain with a short queue's, and the worker's memory at its end and beginning."""
    with storing.store(workers=1) as (store, (worker,)), store.queue("worker") as queue:
        many = replace(store, votes=ballots(BACKLOG))
        short, long, early, late = [], [], [], []
        for _ in run.rounds(f"{storing.VOTES:,} votes, then {BACKLOG:,} with new ones coming in"):
            store.empty()
            short.append(store.by_workers([worker]))
            store.empty()
            many.queue_up([worker])
            gauge = Gauge(worker, queue)
            with beside(partial(_vote, store)), beside(gauge.read):
                long.append(many.drain([worker]))
            first, last = thirds(gauge.samples)
            early.append(max(first))
            late.append(max(last))
        yield Plot(
            "backlog",
            "One worker drains a million votes while 500 a second come in",
            "seconds",
            "entries in the queue",
            [Line("queue", gauge.left)],
        )
        yield compared("a backlog of 1,000,000 votes", "votes/s", long, "a short queue", short, AS_FAST)
        yield compared("worker's memory, last third of it", "MiB", late, "its first third", early, FLAT)


def _vote(store: Store, ending: threading.Event) -> None:
    with store.queue("vote") as queue:
        for numbers in due(NEW_PER_SECOND, ending):
            enqueue(queue, [Ballot(f"new-{n}", "a", n + 1) for n in numbers])
