"""What is known of the result, and how far it can be relied on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

STALE_SECONDS = 6.0


class Reading(NamedTuple):
    """What the database said."""

    tally: Mapping[str, int]
    pulse_age: float | None
    """Seconds since a worker was last able to commit; None if none ever was."""
    probes: Sequence[str] = ()
    """The ids of the newest test votes, by which the monitoring looks whether votes come through."""


class State(StrEnum):
    """What viewers are told of the numbers they see."""

    LIVE = "live"
    WAITING = "waiting"


class Bar(NamedTuple):
    """One option as the page shows it."""

    key: str
    name: str
    votes: int
    percent: float


def judge(reading: Reading | None) -> State:
    """Say whether the numbers follow the votes; None stands for a database that is away."""
    if reading is None or reading.pulse_age is None or reading.pulse_age > STALE_SECONDS:
        return State.WAITING
    return State.LIVE


def rounded(percent: float) -> float:
    """Return a share to one decimal, halves up: as browsers round it."""
    return math.floor(10 * percent + 0.5) / 10


def complete(tally: Mapping[str, int], options: Mapping[str, str]) -> dict[str, int]:
    """Return a count for every option, and for nothing else."""
    return {key: tally.get(key, 0) for key in options}


def bars(scores: Mapping[str, int], options: Mapping[str, str]) -> list[Bar]:
    """Return what the page shows of each option; without votes every share is zero."""
    total = sum(scores.values())
    return [
        Bar(key, name, scores[key], 100 * scores[key] / total if total else 0.0)
        for key, name in options.items()
    ]
