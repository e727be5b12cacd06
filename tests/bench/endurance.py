"""Half an hour at four fifths of what the whole chain can take: nothing may grow, nothing may slow down."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any, NamedTuple

from bench import closed_loop, open_loop
from bench.chain import Chain, chain
from bench.figure import KNOWN, Figure, Target, alone, compared, percentile, thirds
from bench.footprint import MEBIBYTE, growing
from bench.open_loop import Waits
from bench.plot import Line, Plot
from bench.run import Run

SHARE = 0.8
SLICE_SECONDS = 30.0
VOTERS = 20_000
AS_FAST = Target(at_most=1.25)
FLAT = Target(at_most=1.1)
IN_PLACE = Target(at_least=0.9)
# What is made once, for the first votes, is not to make the first third look slow.
WARM_UP_SHARE = 0.1
TABLE = """
SELECT pg_total_relation_size('votes'), n_tup_upd, n_tup_hot_upd, autovacuum_count,
    (SELECT num_timed + num_requested FROM pg_stat_checkpointer)
FROM pg_stat_user_tables WHERE relname = 'votes'
"""


class Sample(NamedTuple):
    """What half a minute of votes showed: milliseconds, MiB, and what the database had counted until then."""

    p50: float
    p99: float
    memory: float
    table: float
    updates: int
    in_place: int
    vacuums: int
    checkpoints: int


def measure(run: Run) -> Iterator[Figure | Plot]:
    """Vote for as long as asked for, then compare the last third with the first."""
    with chain(VOTERS) as parts:
        rates = _rates(parts, run)
        yield alone("votes that the whole chain takes", "votes/s", rates, KNOWN)
        rate = SHARE * median(rates)
        samples = _samples(parts, run, rate)
    yield from figures(samples, run.minutes)
    yield _plot(samples, rate, run.minutes)


def figures(samples: Sequence[Sample], minutes: float) -> Iterator[Figure]:
    """Hold the last third of so many minutes against the first, and count what the database did in them."""
    span = f"{minutes:g} minutes at {SHARE:.0%} of the chain's rate"
    yield _held(f"p50 of {span}", "ms", "p50", samples, AS_FAST)
    yield _held(f"p99 of {span}", "ms", "p99", samples, AS_FAST)
    yield _held(f"memory of all parts in {span}", "MiB", "memory", samples, FLAT)
    yield _held(f"table of votes in {span}", "MiB", "table", samples, FLAT)
    in_place = _counted("in_place", samples) / max(1, _counted("updates", samples))
    yield alone("updates that stay on their page meanwhile", "", [in_place], IN_PLACE)
    yield alone("autovacuums of the table of votes meanwhile", "", [_counted("vacuums", samples)], KNOWN)
    yield alone("checkpoints meanwhile", "", [_counted("checkpoints", samples)], KNOWN)


def _rates(parts: Chain, run: Run) -> list[float]:
    """Return how many votes a second the edge takes while everything behind it runs."""
    url = f"https://{parts.edge.address}:{parts.edge.port}/"
    return [
        closed_loop.run(parts.network, url, parts.cookies, run.seconds)
        for _ in run.rounds("votes as fast as the whole chain takes them")
    ]


def _samples(parts: Chain, run: Run, rate: float) -> list[Sample]:
    count = max(3, round(60 * run.minutes / SLICE_SECONDS))
    seconds = 60 * run.minutes / count
    requests = open_loop.requests_of(parts.cookies)
    with (
        run.progress.task(f"{run.minutes:g} minutes at {rate:,.0f} votes/s") as task,
        parts.postgres.connect("worker", parts.postgres.primary_name()) as database,
    ):
        task.detail("warming up")
        open_loop.run(parts.edge, requests, rate, WARM_UP_SHARE * 60 * run.minutes)
        samples: list[Sample] = []
        for number in range(count):
            task.detail(f"{number * seconds / 60:.1f} minutes, {_said(samples)}")
            waits = open_loop.run(parts.edge, requests, rate, seconds)
            samples.append(_sample(parts, database, waits))
    return samples


def _sample(parts: Chain, database: Any, waits: Waits) -> Sample:
    size, *counted = database.execute(TABLE).fetchone()
    # The engine takes a second for each; asked one after the other, the queue would have time to recover.
    with ThreadPoolExecutor(len(parts.containers)) as pool:
        memory = sum(pool.map(growing, parts.containers)) / MEBIBYTE
    p50, p99 = (1000 * percentile(waits.seconds, percent) for percent in (50, 99))
    return Sample(p50, p99, memory, size / MEBIBYTE, *counted)


def _said(samples: Sequence[Sample]) -> str:
    known = samples[-1]._asdict() if samples else {}
    return ", ".join(f"{name} {value:.3g}" for name, value in known.items())


def _held(name: str, unit: str, field: str, samples: Sequence[Sample], target: Target) -> Figure:
    """Compare the last third with the first, the smallest value with the smallest, and so on."""
    first, last = (sorted(getattr(sample, field) for sample in third) for third in thirds(samples))
    return compared(f"{name}, last third", unit, last, "the first third", first, target)


def _counted(field: str, samples: Sequence[Sample]) -> int:
    """Return by how much a counter of the database grew."""
    return int(getattr(samples[-1], field) - getattr(samples[0], field))


def _plot(samples: Sequence[Sample], rate: float, length: float) -> Plot:
    minutes = [length * number / len(samples) for number in range(1, len(samples) + 1)]
    return Plot(
        "endurance",
        f"The whole chain at {rate:,.0f} votes a second",
        "minutes",
        "MiB",
        [
            Line("memory allocated", list(zip(minutes, (each.memory for each in samples), strict=True))),
            Line("table of votes", list(zip(minutes, (each.table for each in samples), strict=True))),
            Line("p99", list(zip(minutes, (each.p99 for each in samples), strict=True)), right=True),
        ],
        right="milliseconds from when a vote was due",
    )
