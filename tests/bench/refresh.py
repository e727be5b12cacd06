"""What a look at the result costs, however many votes there are."""

import time
from collections.abc import Iterator
from itertools import pairwise
from statistics import median
from typing import Any

from bench import stack
from bench.figure import Figure, Target, compared
from bench.plot import Line, Plot
from bench.run import Run
from result.database import QUERY

SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
CHUNK = 1_000_000
LOOKS = 500
COST = Target(at_most=1.2)


def measure(run: Run) -> Iterator[Figure | Plot]:
    """Compare the time of the result page's query at ten million votes with that at a thousand."""
    with (
        stack.database() as postgres,
        postgres.connect("worker", postgres.primary_name()) as primary,
        postgres.connect("result") as reader,
    ):
        stack.apply_schema(primary)
        looks = {}
        for fewer, votes in pairwise((0, *SIZES)):
            for start in range(fewer, votes, CHUNK):
                _fill(primary, start, min(CHUNK, votes - start))
            looks[votes] = [_look(reader) for _ in run.rounds(f"looks at {votes:,} votes")]
    few, many = SIZES[0], SIZES[-1]
    against = f"at {few:,} votes"
    yield compared(f"a result refresh at {many:,} votes", "ms", looks[many], against, looks[few], COST)
    yield Plot(
        "refresh",
        "A look at the result, through pgpool",
        "votes stored",
        "milliseconds",
        [Line("median", [(votes, median(times)) for votes, times in looks.items()])],
        log_x=True,
    )


def _fill(connection: Any, start: int, count: int) -> None:
    connection.execute(
        "INSERT INTO votes SELECT 'voter-' || n, CASE n %% 3 WHEN 0 THEN 'a' ELSE 'b' END, 1 "
        "FROM generate_series(%s::int, %s::int) AS n",
        (start, start + count - 1),
    )


def _look(reader: Any) -> float:
    times = []
    for _ in range(LOOKS):
        began = time.monotonic()
        reader.execute(QUERY).fetchone()
        times.append(time.monotonic() - began)
    return 1000 * median(times)
