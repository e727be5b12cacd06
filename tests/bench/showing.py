"""How soon people see a vote, be they few or many."""

import random
import time
from collections.abc import Iterator, Sequence

from bench.chain import Act, Chain, chain
from bench.figure import Figure, Target, alone, percentile
from bench.footprint import MEBIBYTE, growing
from bench.run import Run
from bench.viewers import Viewers, seen_at
from kit.waiting import wait_until

PROBES_PER_SECOND = 10
COMMIT_P50, COMMIT_P99 = Target(at_most=30), Target(at_most=100)
CLICK_P99 = Target(at_most=500)
CROWD = 2000
CROWD_LAST = Target(at_most=500)
CROWD_MEMORY = Target(at_most=300)  # MiB; the stack gives it 384
SEEN_SECONDS = 5.0


def measure(run: Run) -> Iterator[Figure]:
    """Measure commit to event, click to screen, and many viewers."""
    with chain() as parts:
        yield from _commit_to_event(parts, run)
        waits = _seen(run, "from a click to another's screen", parts, parts.click())
        yield alone("click to another's screen, p99", "ms", _percentiles(waits, 99), CLICK_P99)
        yield from _crowd(parts, run)


def _commit_to_event(parts: Chain, run: Run) -> Iterator[Figure]:
    waits = _seen(run, "from a commit to the viewer's event", parts, parts.commit())
    yield alone("commit to event, p50", "ms", _percentiles(waits, 50), COMMIT_P50)
    yield alone("commit to event, p99", "ms", _percentiles(waits, 99), COMMIT_P99)


def _seen(run: Run, what: str, parts: Chain, act: Act) -> list[list[float]]:
    """Return for each round the seconds from each act to a viewer behind the edge, under load."""
    with parts.load(), Viewers(parts.edge, 1) as watching:
        return [_probe(watching, act, run.seconds) for _ in run.rounds(what)]


def _crowd(parts: Chain, run: Run) -> Iterator[Figure]:
    act = parts.commit()
    with parts.arrivals(), Viewers(parts.result, CROWD) as watching:
        waits, held = [], []
        for _ in run.rounds(f"{CROWD:,} viewers on one replica"):
            waits.append(_probe(watching, act, run.seconds))
            held.append(growing(parts.replica) / MEBIBYTE)
    yield alone(f"commit to the last of {CROWD:,} viewers, p99", "ms", _percentiles(waits, 99), CROWD_LAST)
    yield alone(f"memory of result with {CROWD:,} viewers", "MiB", held, CROWD_MEMORY)


def _percentiles(waits: Sequence[Sequence[float]], percent: float) -> list[float]:
    return [1000 * percentile(each, percent) for each in waits]


def _probe(viewers: Viewers, act: Act, seconds: float) -> list[float]:
    """Add votes for the second option one by one; return the seconds until the last viewer saw each."""
    before = viewers.arrivals[0][-1][1]["b"]
    moments = []
    for _ in range(round(seconds * PROBES_PER_SECOND)):
        time.sleep(random.uniform(0, 2 / PROBES_PER_SECOND))
        moments.append(act())
    goal = before + len(moments)
    wait_until(lambda: all(own[-1][1]["b"] >= goal for own in viewers.arrivals), SEEN_SECONDS)
    return [
        max(seen_at(own, "b", before + number) for own in viewers.arrivals) - moment
        for number, moment in enumerate(moments, 1)
    ]
