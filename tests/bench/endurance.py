"""Half an hour at four fifths of what the whole chain can take: nothing may grow, nothing may slow down."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any, NamedTuple

from bench import closed_loop, open_loop
from bench.chain import Chain, chain
from bench.figure import KNOWN, Figure, Target, alone, compared, percentile, thirds
from bench.footprint import MEBIBYTE, growing
from bench.plot import Line, Plot
from bench.run import Run

SHARE = 0.8
SLICE_SECONDS = 30.0
VOTERS = 20_000
AS_FAST = Target(at_most=1.25)
FLAT = Target(at_most=1.1)
IN_PLACE = Target(at_least=0.9)
TABLE = """
SELECT pg_total_relation_size('votes'), n_tup_hot_upd::float / greatest(n_tup_upd, 1), autovacuum_count,
    (SELECT num_timed + num_requested FROM pg_stat_checkpointer)
FROM pg_stat_user_tables WHERE relname = 'votes'
"""


class Sample(NamedTuple):
    """What half a minute of votes showed: milliseconds, MiB, and the share of updates within a page."""

    p50: float
    p99: float
    memory: float
    table: float
    in_place: float
    vacuums: int
    checkpoints: int


def measure(run: Run) -> Iterator[Figure | Plot]:
    """Vote for as long as asked for, then compare the last third with the first."""
    with chain(VOTERS) as parts:
        rate = SHARE * _most(parts, run)
        samples = _samples(parts, run, rate)
    first, last = thirds(samples)
    span = f"{run.minutes:g} minutes at {rate:.0f} votes/s"
    yield _held(f"{span}: p50", "ms", "p50", first, last, AS_FAST)
    yield _held(f"{span}: p99", "ms", "p99", first, last, AS_FAST)
    yield _held(f"{span}: memory allocated", "MiB", "memory", first, last, FLAT)
    yield _held(f"{span}: table of votes, every voter changing", "MiB", "table", first, last, FLAT)
    yield alone("updates that stay on their page", "", [last[-1].in_place], IN_PLACE)
    yield _happened("autovacuums of that table", "vacuums", samples)
    yield _happened("checkpoints", "checkpoints", samples)
    yield _plot(samples, rate, run.minutes)


def _most(parts: Chain, run: Run) -> float:
    """Return how many votes a second the edge takes while everything behind it runs."""
    url = f"https://{parts.edge.address}:{parts.edge.port}/"
    rates = [
        closed_loop.run(parts.network, url, parts.cookies, run.seconds)
        for _ in run.rounds("votes as fast as the whole chain takes them")
    ]
    return median(rates)


def _samples(parts: Chain, run: Run, rate: float) -> list[Sample]:
    count = max(3, round(60 * run.minutes / SLICE_SECONDS))
    seconds = 60 * run.minutes / count
    with (
        run.progress.task(f"{run.minutes:g} minutes at {rate:.0f} votes/s") as task,
        parts.postgres.connect("worker", parts.postgres.primary_name()) as database,
    ):
        samples: list[Sample] = []
        for number in range(count):
            task.detail(f"{number * seconds / 60:.1f} minutes, {_said(samples)}")
            samples.append(_sample(parts, database, rate, seconds))
    return samples


def _sample(parts: Chain, database: Any, rate: float, seconds: float) -> Sample:
    waits = open_loop.run(parts.edge, parts.cookies, rate, seconds)
    size, in_place, vacuums, checkpoints = database.execute(TABLE).fetchone()
    # The engine takes a second for each; asked one after the other, the queue would have time to recover.
    with ThreadPoolExecutor(len(parts.containers)) as pool:
        memory = sum(pool.map(growing, parts.containers)) / MEBIBYTE
    return Sample(
        p50=1000 * percentile(waits.seconds, 50),
        p99=1000 * percentile(waits.seconds, 99),
        memory=memory,
        table=size / MEBIBYTE,
        in_place=in_place,
        vacuums=vacuums,
        checkpoints=checkpoints,
    )


def _said(samples: Sequence[Sample]) -> str:
    known = samples[-1]._asdict() if samples else {}
    return ", ".join(f"{name} {value:.3g}" for name, value in known.items())


def _held(
    name: str, unit: str, field: str, first: Sequence[Sample], last: Sequence[Sample], target: Target
) -> Figure:
    """Compare sample by sample; both thirds are of one run."""
    runs, others = ([getattr(sample, field) for sample in third] for third in (last, first))
    return compared(f"{name}, last third", unit, runs, "the first third", others, target)


def _happened(name: str, field: str, samples: Sequence[Sample]) -> Figure:
    return alone(name, "", [getattr(samples[-1], field) - getattr(samples[0], field)], KNOWN)


def _plot(samples: Sequence[Sample], rate: float, length: float) -> Plot:
    minutes = [length * number / len(samples) for number in range(1, len(samples) + 1)]
    return Plot(
        "endurance",
        f"The whole chain at {rate:.0f} votes a second",
        "minutes",
        "MiB",
        [
            Line("memory allocated", list(zip(minutes, (each.memory for each in samples), strict=True))),
            Line("table of votes", list(zip(minutes, (each.table for each in samples), strict=True))),
            Line("p99", list(zip(minutes, (each.p99 for each in samples), strict=True)), right=True),
        ],
        right="milliseconds from when a vote was due",
    )
