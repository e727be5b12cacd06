"""A million votes that waited in the queue, drained while new ones come in."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from statistics import harmonic_mean
from typing import Any, NamedTuple

from bench import storing
from bench.ballots import ballots, batches, enqueue
from bench.beside import beside, due
from bench.figure import KNOWN, Figure, Target, compared, thirds
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
        """Take a sample, half a second after the last one was there."""
        began = time.monotonic()
        while not ending.wait(SAMPLE_SECONDS):
            self.samples.append(growing(self.worker.container) / MEBIBYTE)
            self.left.append((time.monotonic() - began, self.queue.xlen("votes")))


class Round(NamedTuple):
    """Votes per second of the short queues and of the long one, new ones included, and what was read then."""

    short: list[float]
    long: float
    gauge: Gauge


def measure(run: Run) -> Iterator[Figure | Plot]:
    """Compare a backlog's drain with that of the same votes in short queues, and the worker's memory."""
    what = f"{BACKLOG:,} votes in short queues, then in one with new ones coming in"
    with storing.store(workers=1) as (store, (worker,)):
        many = replace(store, votes=ballots(BACKLOG))
        rounds = [_round(many, worker) for _ in run.rounds(what)]
    yield Plot(
        "backlog",
        f"One worker drains {BACKLOG:,} votes while {NEW_PER_SECOND} a second come in",
        "seconds",
        "entries in the queue",
        [Line("queue", rounds[-1].gauge.left)],
    )
    yield from rates(rounds)
    early, late = zip(*(map(max, thirds(each.gauge.samples)) for each in rounds), strict=True)
    yield compared("worker's memory, last third of the backlog", "MiB", late, "the first third", early, FLAT)


def rates(rounds: Sequence[Round]) -> Iterator[Figure]:
    """Hold the long queue against all short ones, and it and the last of them against the first."""
    long, short = [each.long for each in rounds], [harmonic_mean(each.short) for each in rounds]
    first, last = ([each.short[number] for each in rounds] for number in (0, -1))
    backlog = f"a backlog of {BACKLOG:,} votes"
    empty = "the first short queue, into an empty table"
    yield compared(backlog, "votes/s", long, "the same in short queues", short, AS_FAST)
    yield compared(f"{backlog}, beside an empty table", "votes/s", long, empty, first, KNOWN)
    yield compared("the last of the short queues beside the first", "votes/s", last, empty, first, KNOWN)


def _round(store: Store, worker: Part) -> Round:
    store.empty()
    # Their voters fill the same table as those of the long one.
    short = [_short(replace(store, votes=votes), worker) for votes in batches(store.votes, storing.VOTES)]
    store.empty()
    store.queue_up([worker])
    with _watched(store, worker) as gauge, beside(partial(_vote, store)):
        return Round(short, store.drain([worker]) + NEW_PER_SECOND, gauge)


def _short(store: Store, worker: Part) -> float:
    with _watched(store, worker):
        return store.by_workers([worker])


@contextmanager
def _watched(store: Store, worker: Part) -> Iterator[Gauge]:
    """Read a gauge until the block ends; it costs time, and so is read beside whatever is compared."""
    with store.queue("worker") as queue:
        gauge = Gauge(worker, queue)
        with beside(gauge.read):
            yield gauge


def _vote(store: Store, ending: threading.Event) -> None:
    with store.queue("vote") as queue:
        for numbers in due(NEW_PER_SECOND, ending):
            enqueue(queue, [Ballot(f"new-{n}", "a", n + 1) for n in numbers])
