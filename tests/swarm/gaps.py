"""How long nothing was acknowledged, and how long the audience waited to see what was."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise


def longest_silence(acknowledged: Iterable[float], *, since: float, until: float) -> float:
    """Return the longest time in seconds without an acknowledgement between two moments."""
    times = sorted(moment for moment in acknowledged if since < moment < until)
    return max(after - before for before, after in pairwise([since, *times, until]))


def staleness(moves: Iterable[float], acknowledged: Sequence[float], *, since: float, until: float) -> float:
    """Return the longest time for which one viewer's total stood still with votes to show.

    Such a time begins with the first vote of a new voter that is acknowledged after a move (`moves` are
    the moments at which the total changed) and ends with the next move. `acknowledged` is in order.
    """
    times = sorted(moment for moment in moves if since < moment < until)
    return max(_waited(acknowledged, *gap) for gap in pairwise([since, *times, until]))


def _waited(acknowledged: Sequence[float], before: float, after: float) -> float:
    first = bisect_right(acknowledged, before)
    return max(0.0, after - acknowledged[first]) if first < len(acknowledged) else 0.0
