"""The numbers that votes have in the account of the process that took them, and what it says of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

Range = tuple[int, int]
"""The first number and the last one."""

# The highest number that a range of the database can end with.
HIGHEST = 2**63 - 2
PROCESS = r"[!-~]{1,200}"
RANGES = r"-|[0-9]{1,19}-[0-9]{1,19}(?:,[0-9]{1,19}-[0-9]{1,19})*"
NUMBERS = re.compile(rf"({PROCESS}) ([0-9]{{1,19}})")
MARK = re.compile(rf"({PROCESS}) ({RANGES}) ({RANGES})( end)?")


class Numbers(NamedTuple):
    """The votes of an entry have numbers of an account, in order, from `first` on."""

    process: str
    first: int


class Mark(NamedTuple):
    """What a process says of its account: what is acknowledged, and what came again without its numbers.

    With its last word it says that it has `ended`: nothing more will be acknowledged.
    """

    process: str
    acknowledged: Sequence[Range]
    unnumbered: Sequence[Range]
    ended: bool = False


class Row(NamedTuple):
    """What a commit adds to an account, as PostgreSQL writes multiranges.

    `ended` is what the process says of itself, None where it says nothing.
    """

    process: str
    acknowledged: str = "{}"
    unnumbered: str = "{}"
    stored: str = "{}"
    ended: bool | None = None


def read_numbers(text: bytes | None, count: int) -> Numbers | None:
    """Read what an entry says of the numbers of its votes; None where it says nothing that can be read."""
    found = text and NUMBERS.fullmatch(text.decode(errors="replace"))
    if not found or not 1 <= int(found[2]) <= HIGHEST - count:
        return None
    return Numbers(found[1], int(found[2]))


def read_mark(text: bytes | None) -> Mark | None:
    """Read what an entry says of an account; None where it says nothing that can be read."""
    found = text and MARK.fullmatch(text.decode(errors="replace"))
    if not found:
        return None
    mark = Mark(found[1], _ranges(found[2]), _ranges(found[3]), bool(found[4]))
    pairs = [*mark.acknowledged, *mark.unnumbered]
    return mark if all(1 <= first <= last <= HIGHEST for first, last in pairs) else None


def _ranges(text: str) -> list[Range]:
    pairs = [] if text == "-" else [part.split("-") for part in text.split(",")]
    return [(int(first), int(last)) for first, last in pairs]


def rows(stored: Mapping[str, Sequence[Range]], marks: Iterable[Mark]) -> list[Row]:
    """Return what a commit adds: the numbers of its votes, by process, and the marks that go with them."""
    found = {process: Row(process, stored=multirange(ranges)) for process, ranges in stored.items()}
    told: dict[str, list[Mark]] = {}
    for mark in marks:
        told.setdefault(mark.process, []).append(mark)
    for process, some in told.items():
        found[process] = found.get(process, Row(process))._replace(
            acknowledged=multirange(pair for mark in some for pair in mark.acknowledged),
            unnumbered=multirange(pair for mark in some for pair in mark.unnumbered),
            ended=any(mark.ended for mark in some),
        )
    return [found[process] for process in sorted(found)]


def multirange(ranges: Iterable[Range]) -> str:
    """Write ranges as PostgreSQL reads them; it sorts them, and joins those that touch."""
    return "{" + ",".join(f"[{first},{last + 1})" for first, last in ranges) + "}"


def joined(numbered: Iterable[tuple[str, Sequence[int]]]) -> dict[str, list[Range]]:
    """Return the numbers of each process, in order, those that follow each other as one range."""
    found: dict[str, list[Range]] = {}
    for process, numbers in numbered:
        ranges = found.setdefault(process, [])
        for first, last in _runs(numbers):
            extend(ranges, first, last)
    return found


def extend(ranges: list[Range], first: int, last: int) -> None:
    """Add the numbers from first to last behind ranges, as a part of the last one where they follow it."""
    if ranges and ranges[-1][1] == first - 1:
        ranges[-1] = (ranges[-1][0], last)
    else:
        ranges.append((first, last))


def _runs(numbers: Sequence[int]) -> Sequence[Range]:
    """Return numbers as one range, or each by itself where some between them are left out."""
    if numbers and numbers[-1] - numbers[0] == len(numbers) - 1:
        return [(numbers[0], numbers[-1])]
    return [(number, number) for number in numbers]
