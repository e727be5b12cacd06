"""A vote as it travels, and the version that makes every repetition of it harmless."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from vote.probe import FIELD, Probe

CLOCK_SKEW_MS = 60_000
VOTES_PER_ENTRY = 16


class Ballot(NamedTuple):
    """One voter's choice; of two ballots of one voter the higher version counts."""

    voter: str
    choice: str
    version: int
    poll: int = 1


class Numbers(NamedTuple):
    """Ballots that are sent together have numbers of an account, in order, from `first` on."""

    process: str
    first: int


def entries(ballots: Sequence[Ballot], numbers: Numbers | None = None) -> Iterator[tuple[str, ...]]:
    """Yield stream entries that hold ballots, each as its fields' names and values in turn.

    A ballot alone has a field for each of its parts. Ballots that come together share entries, as JSON: the
    primary tells its replicas of each delivery of an entry, which costs more than the votes in it. Those of
    the first poll do not name it: releases that knew but one poll read them. Ballots with numbers are of one
    poll; each entry then says which number its first one has.
    """
    for poll, group in groupby(ballots, attrgetter("poll")):
        of_poll = [*group]
        for first in range(0, len(of_poll), VOTES_PER_ENTRY):
            told = ("numbers", f"{numbers.process} {numbers.first + first}") if numbers else ()
            yield (*_fields(of_poll[first : first + VOTES_PER_ENTRY]), *named(poll), *told)


def probe_entries(probes: Sequence[Probe]) -> Iterator[tuple[str, ...]]:
    """Yield stream entries of test votes: to a worker that knows nothing of them, they hold no vote."""
    for identity, poll in probes:
        yield ("votes", "[]", *named(poll), FIELD, identity)


def named(poll: int) -> tuple[str, ...]:
    """Return the field by which an entry names its poll; the first is not named."""
    return ("poll", str(poll)) if poll > 1 else ()


def _fields(together: Sequence[Ballot]) -> tuple[str, ...]:
    parts = [(voter, choice, version) for voter, choice, version, _ in together]
    if len(parts) > 1:
        return ("votes", json.dumps(parts, separators=(",", ":")))
    ((voter, choice, version),) = parts
    return ("id", voter, "vote", choice, "version", str(version))


class OnScreen(NamedTuple):
    """What a page tells of a vote: when it was served, and after how many milliseconds the voter chose."""

    served: int
    after: int


def version_of(arrived: int, seen: int, told: OnScreen | None) -> int:
    """Return the version of a vote; all are milliseconds of the service's clock.

    The moment at which the voter chose counts where the page told it, since a request can be on its way
    for long: in a process that hangs, or behind a cut network. Whatever the clocks say, the version is
    above the last one that the voter had `seen` recorded, and of two votes from one page the later
    one's is higher. A page from a replica whose clock is a little ahead is believed, and one that is no
    further ahead than what was seen.
    """
    latest = arrived + CLOCK_SKEW_MS
    if told and told.after <= latest and told.served <= max(latest - told.after, seen + 1):
        return max(told.served, seen + 1) + told.after
    return max(arrived, seen + 1)


def is_settled(seen: int, told: OnScreen) -> bool:
    """Say whether a vote that a page sends again need not be taken.

    Its voter has `seen` it recorded, or another that was chosen later, in another tab: what was chosen first
    must not come out as the newer one because its page goes on trying.
    """
    return seen >= told.served + told.after


def wall_milliseconds() -> int:
    """Return the wall clock in milliseconds."""
    return time.time_ns() // 1_000_000


def served_after(seen: int) -> int:
    """Return the moment at which a page is served: what is chosen there is newer than what was `seen`."""
    return max(wall_milliseconds(), seen + 1)


class VersionClock:
    """Milliseconds of the wall clock, made strictly increasing within the process."""

    def __init__(self, now: Callable[[], int] = wall_milliseconds) -> None:
        self._now = now
        self._last = 0
        self._lock = threading.Lock()

    def next(self) -> int:
        """Return a version higher than every one before, also when the clock stands or falls."""
        with self._lock:
            self._last = max(self._now(), self._last + 1)
            return self._last
