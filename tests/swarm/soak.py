"""A long run: how long, which faults come in which order, and what it came to."""

import random
import re
import time
from collections.abc import Iterator, Sequence
from itertools import islice, takewhile

from swarm.faults.fault import Fault
from swarm.outcome import Outcome

UNITS = {"s": 1, "m": 60, "h": 3600}
ALL = "all"


def seconds(duration: str) -> float:
    """Return how long `90s`, `60m` or `2h` is; raise ValueError for anything else."""
    if not (parts := re.fullmatch(r"([1-9][0-9]*)([smh])", duration)):
        raise ValueError(f"{duration!r} is not a duration such as 90s, 60m or 2h")
    return float(parts[1]) * UNITS[parts[2]]


def shuffled(faults: Sequence[Fault], seed: int) -> Iterator[Fault]:
    """Deal faults without end, each once before any comes again, in the order that the seed decides."""
    chance = random.Random(seed)
    while True:
        yield from chance.sample(faults, len(faults))


def dealt(faults: Sequence[Fault], seed: int, length: str) -> Iterator[Fault]:
    """Deal for a duration, which begins now, or each fault once for `all`; raise ValueError."""
    deck = shuffled(faults, seed)
    if length == ALL:
        return islice(deck, len(faults))
    deadline = time.monotonic() + seconds(length)
    return takewhile(lambda _: time.monotonic() < deadline, deck)


def total(outcomes: Sequence[Outcome]) -> str:
    """Say in one line what all faults together cost."""
    acknowledged, lost, doubled = (
        sum(getattr(outcome, count) for outcome in outcomes) for count in ("acknowledged", "lost", "doubled")
    )
    return f"{len(outcomes)} faults: {acknowledged:,} acknowledged, lost {lost}, doubled {doubled}"
