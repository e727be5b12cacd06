"""A long run: how long, and which faults come in which order."""

import random
import re
from collections.abc import Iterator, Sequence

from swarm.faults.fault import Fault

UNITS = {"s": 1, "m": 60, "h": 3600}


def seconds(duration: str) -> float:
    """Return how long `90s`, `60m` or `2h` is; raise ValueError for anything else."""
    if not (parts := re.fullmatch(r"([1-9][0-9]*)([smh])", duration)):
        raise ValueError(f"{duration!r} is not a duration such as 90s, 60m or 2h")
    return float(parts[1]) * UNITS[parts[2]]


def draws(faults: Sequence[Fault], seed: int) -> Iterator[Fault]:
    """Draw faults without end, always the same ones from the same seed."""
    chance = random.Random(seed)
    while True:
        yield chance.choice(faults)
