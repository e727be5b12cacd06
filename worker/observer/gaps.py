"""Numbers that are acknowledged and not stored: what becomes of each, from what is seen again and again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from worker.account import Range, extend

EntryId = tuple[int, int]

# A process puts what it acknowledged in the last half minute into the queue again when the primary changes.
SETTLE_SECONDS = 35.0

QUEUED, SETTLING, GONE = "queued", "settling", "gone"


class Seen(NamedTuple):
    """What was seen of a process.

    `told` is when it last told of its account: it differs from what it was once a newer word has come. Of
    one that is not `alive` none will come. While it is not `sure` that whatever is stored is in the account,
    a number that is missing may be stored.
    """

    missing: Sequence[Range]
    told: object | None = None
    alive: bool = False
    sure: bool = True


class Look(NamedTuple):
    """What was seen at a moment of the monotonic clock: first the processes, then the queue.

    Of an empty queue there is neither an oldest entry nor a newest one. `reign` is whatever changes when
    another server takes over, None while nobody knows which one has the queue or the votes.
    """

    at: float
    processes: Mapping[str, Seen]
    oldest: EntryId | None
    newest: EntryId | None
    reign: object | None = ""


class Gap:
    """Numbers of a process that were first seen missing at the same look."""

    def __init__(self, look: Look, seen: Seen, *, first: bool) -> None:
        self.first = first
        """Whether that was the first look of all: it may have been missing for long."""
        self.sure = seen.sure
        """Whether it is lost once it is gone."""
        self.begin(look)

    def begin(self, look: Look) -> None:
        """Begin to watch it now: whatever was acknowledged before may still be replayed."""
        self._watched = 0.0
        self._limit = look.newest
        self._final = self._heard = self._spoken = False
        self._told: object | None = None
        self._left = not self._may_be_queued(look)
        self.state = SETTLING if self._left else QUEUED

    def follow(self, look: Look, seen: Seen, passed: float) -> None:
        """Decide what it is now, so many seconds later."""
        self._watched += passed
        self._listen(seen)
        if not self._final and self._watched >= SETTLE_SECONDS and (self._spoken or not seen.alive):
            # All that may be replayed is in the queue by now: at its end, perhaps.
            self._final, self._limit, self._left = True, look.newest, False
        queued = not self._left and self._may_be_queued(look)
        if self._final and self._left:
            # The numbers of this look were read after the queue had been seen without it.
            self.state = GONE
        else:
            self.state = QUEUED if queued else SETTLING
        self._left = not queued

    def _listen(self, seen: Seen) -> None:
        """Wait for a word that was sent later than it was first missing: it goes when the replay is through.

        What was in the queue by then has been read once all those entries have left it.
        """
        if self._heard:
            self._spoken = self._spoken or seen.told != self._told
        elif self._left:
            self._heard, self._told = True, seen.told

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
        self._at: float | None = None

    def interrupt(self) -> None:
        """Note that nobody watches for a while: that time does not count."""
        self._at = None

    def note(self, look: Look) -> None:
        """Take what was seen."""
        passed = 0.0 if self._at is None else look.at - self._at
        for gap, seen in self._open(look):
            gap.sure = gap.sure and seen.sure
            if look.reign == self._reign:
                gap.follow(look, seen, passed)
            elif look.reign is not None:
                gap.begin(look)
        self._pieces = {
            process: list(
                matched(self._pieces.get(process, ()), seen.missing, Gap(look, seen, first=self._fresh))
            )
            for process, seen in look.processes.items()
        }
        if look.reign is not None:
            self._reign = look.reign
        self._at, self._fresh = None if look.reign is None else look.at, False

    def _open(self, look: Look) -> list[tuple[Gap, Seen]]:
        """Return each gap of the processes that were seen, once; what is gone only ends by being stored."""
        return [
            (gap, look.processes[process])
            for process, pieces in self._pieces.items()
            if process in look.processes
            for gap in {id(piece.gap): piece.gap for piece in pieces}.values()
            if gap.state != GONE
        ]

    @property
    def judged(self) -> bool:
        """Whether what was missing at the first look is stored by now, or known to be gone."""
        return not any(p.gap.first and p.gap.state != GONE for some in self._pieces.values() for p in some)

    def of(self, process: str, state: str, *, sure: bool | None = None) -> list[Range]:
        """Return the numbers of a process that are in a state, joined; `sure` chooses among them."""
        found = [piece for piece in self._pieces.get(process, ()) if piece.gap.state == state]
        return joined((p.first, p.last) for p in found if sure in (None, p.gap.sure))


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
        extend(found, first, last)
    return found


def count(ranges: Sequence[Range]) -> int:
    """Return how many numbers there are."""
    return sum(last - first + 1 for first, last in ranges)


def entry_id(text: bytes) -> EntryId:
    """Read the id of an entry."""
    milliseconds, _, number = text.partition(b"-")
    return int(milliseconds), int(number)
