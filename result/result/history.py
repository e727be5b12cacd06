"""The last hour of the result, which the database keeps, and the lines that show it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

HOUR = 3600
WIDTH, HEIGHT = 600, 120
# The page is to be small, and its script soon draws every moment.
DRAWN_EACH = 8

# A half minute that is not over yet would change at every look; the present scores stand for it.
QUERY = """
SELECT extract(epoch FROM at)::bigint + 30, counts FROM history
WHERE at + interval '30 seconds' BETWEEN clock_timestamp() - interval '1 hour' AND clock_timestamp()
ORDER BY at
"""

History = Mapping[str, Sequence[int]]
"""The moments under `at`, in Unix seconds, and under each option's key the votes it had then."""


class Moment(NamedTuple):
    """What the tally was."""

    at: int
    counts: Mapping[str, int]


class Chart(NamedTuple):
    """Lines in a field of WIDTH by HEIGHT, whose upper edge stands for `top` votes."""

    top: int
    lines: Mapping[str, str]
    """For each option the points of a polyline."""


def compact(moments: Sequence[Moment], options: Iterable[str]) -> dict[str, list[int]]:
    """Return the moments as columns, with a count for every option."""
    columns = {key: [moment.counts.get(key, 0) for moment in moments] for key in options}
    return {"at": [moment.at for moment in moments], **columns}


def chart(history: History, scores: Mapping[str, int], now: float) -> Chart:
    """Return what to draw of the history, thinned out, with the present scores as the last point."""
    columns = {key: [*history[key][::DRAWN_EACH], votes] for key, votes in scores.items()}
    top = max(1, *(max(column) for column in columns.values()))
    across = [WIDTH * (1 - (now - at) / HOUR) for at in (*history["at"][::DRAWN_EACH], now)]
    return Chart(top, {key: _points(across, column, top) for key, column in columns.items()})


def _points(across: Sequence[float], column: Sequence[int], top: int) -> str:
    pairs = zip(across, column, strict=True)
    return " ".join(f"{round(x)},{round(HEIGHT * (1 - votes / top))}" for x, votes in pairs)
