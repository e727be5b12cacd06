"""Numbers that are acknowledged and not stored: what becomes of each, from what is seen again and again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

Range = tuple[int, int]
"""The first number and the last one."""
EntryId = tuple[int, int]

# A process puts what it acknowledged in the last half minute into the queue again when the primary changes.
SETTLE_SECONDS = 35.0

QUEUED, SETTLING, GONE = "queued", "settling", "gone"


class Look(NamedTuple):
    """What was seen at a moment of the monotonic clock: first the numbers that are missing, then the queue.

    Of an empty queue there is neither an oldest entry nor a newest one. `reign` is whatever changes when
    another server takes over, None while nobody knows which one has the queue or the votes.
    """

    at: float
    missing: Mapping[str, Sequence[Range]]
    oldest: EntryId | None
    newest: EntryId | None
    reign: object | None = ""


class Gap:
    """Numbers that were first seen missing at the same look."""

    def __init__(self, look: Look, *, first: bool) -> None:
        self.first = first
        """Whether that was the first look of all: it may have been missing for long."""
        self.state = QUEUED
        self.begin(look)

    def begin(self, look: Look) -> None:
        """Begin to watch it now: whatever was acknowledged before may still be replayed."""
        self._since = look.at
        self._limit = look.newest
        self._final = False
        self._left = False
        self.state = QUEUED if self._may_be_queued(look) else SETTLING

    def follow(self, look: Look) -> None:
        """Decide what it is now; once it is gone, only being stored ends that."""
        if self.state == GONE:
            return
        if not self._final and look.at - self._since >= SETTLE_SECONDS:
            # All that may be replayed is in the queue by now: at its end, perhaps.
            self._final, self._limit, self._left = True, look.newest, False
        queued = not self._left and self._may_be_queued(look)
        if self._final and self._left:
            # The numbers of this look were read after the queue had been seen without it.
            self.state = GONE
        else:
            self.state = QUEUED if queued else SETTLING
        self._left = not queued

    def _may_be_queued(self, look: Look) -> bool:
        """Say whether there is an entry that was there when the limit was taken."""
        return look.oldest is not None and self._limit is not None and look.oldest <= self._limit


class Piece(NamedTuple):
    """Some numbers of a gap."""

    first: int
    last: int
    gap: Gap


class Gaps:
    """All that is missing, by process."""

    def __init__(self) -> None:
        self._pieces: dict[str, list[Piece]] = {}
        self._reign: object | None = None
        self._fresh = True
        self._interrupted = False

    def interrupt(self) -> None:
        """Note that nobody knows what happened since the last look."""
        self._interrupted = True

    def note(self, look: Look) -> None:
        """Take what was seen."""
        calm = look.reign is not None and look.reign == self._reign and not self._interrupted
        gaps = {id(p.gap): p.gap for pieces in self._pieces.values() for p in pieces}
        for gap in gaps.values():
            if calm:
                gap.follow(look)
            elif gap.state != GONE:
                gap.begin(look)
        new = Gap(look, first=self._fresh)
        self._pieces = {
            process: list(matched(self._pieces.get(process, ()), ranges, new))
            for process, ranges in look.missing.items()
        }
        self._reign, self._interrupted, self._fresh = look.reign, False, False

    @property
    def judged(self) -> bool:
        """Whether what was missing at the first look is stored by now, or known to be gone."""
        return not any(p.gap.first and p.gap.state != GONE for some in self._pieces.values() for p in some)

    def of(self, process: str, state: str) -> list[Range]:
        """Return the numbers of a process that are in a state, those that follow each other as one range."""
        return joined((p.first, p.last) for p in self._pieces.get(process, ()) if p.gap.state == state)


def matched(pieces: Sequence[Piece], missing: Sequence[Range], new: Gap) -> Iterator[Piece]:
    """Yield what is missing, in order: as the gap that it was, or as a new one."""
    place = 0
    for first, last in missing:
        while place < len(pieces) and pieces[place].last < first:
            place += 1
        at, here = first, place
        while here < len(pieces) and pieces[here].first <= last:
            known = pieces[here]
            if at < known.first:
                yield Piece(at, known.first - 1, new)
            yield Piece(max(at, known.first), min(last, known.last), known.gap)
            at = min(last, known.last) + 1
            here += 1
        if at <= last:
            yield Piece(at, last, new)


def joined(ranges: Iterator[Range]) -> list[Range]:
    """Join ranges, which are in order, where one follows the other."""
    found: list[Range] = []
    for first, last in ranges:
        if found and found[-1][1] == first - 1:
            found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return found


def count(ranges: Sequence[Range]) -> int:
    """Return how many numbers there are."""
    return sum(last - first + 1 for first, last in ranges)


def entry_id(text: bytes) -> EntryId:
    """Read the id of an entry."""
    milliseconds, _, number = text.partition(b"-")
    return int(milliseconds), int(number)
