"""Stream entries and the ballots in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

LONGEST_ID = 200
# Every key that a vote page may offer. Which of them it does offer now is its business alone: a vote
# that was acknowledged before a change of the options must still be stored after it.
KEYS = frozenset("abcdefghij")
HIGHEST_VERSION = 2**63 - 1

T = TypeVar("T")


class Entry(NamedTuple):
    """A stream entry as it was delivered."""

    entry_id: bytes
    fields: Mapping[bytes, bytes]


class Ballot(NamedTuple):
    """One voter's choice; of two ballots of one voter the higher version counts."""

    voter: str
    choice: str
    version: int


class Delivery(NamedTuple):
    """A ballot with the entry that brought it."""

    entry: Entry
    ballot: Ballot


class Poison(NamedTuple):
    """An entry that can never be stored, and why."""

    entry: Entry
    reason: str


class MalformedError(ValueError):
    """An entry holds no ballot."""


def decode(entry: Entry) -> Ballot:
    """Read the ballot in an entry; raise MalformedError, with the reason, when there is none."""
    voter = _text(entry, b"id")
    if len(voter) > LONGEST_ID:
        raise MalformedError(f"id has more than {LONGEST_ID} characters")
    choice = _text(entry, b"vote")
    if choice not in KEYS:
        raise MalformedError("vote is not an option")
    version = _text(entry, b"version")
    # Only ASCII digits: int() also takes spaces, underscores and the digits of other scripts.
    if not (version.isascii() and version.isdigit()) or len(version) > len(str(HIGHEST_VERSION)):
        raise MalformedError("version is not a whole number")
    if int(version) > HIGHEST_VERSION:
        raise MalformedError("version is too high")
    return Ballot(voter, choice, int(version))


def _text(entry: Entry, name: bytes) -> str:
    try:
        text = entry.fields[name].decode()
    except KeyError:
        raise MalformedError(f"{name.decode()} is missing") from None
    except UnicodeDecodeError:
        raise MalformedError(f"{name.decode()} is not UTF-8") from None
    if not text:
        raise MalformedError(f"{name.decode()} is empty")
    return text


def sort_out(entries: Iterable[Entry]) -> tuple[list[Delivery], list[Poison]]:
    """Separate entries that hold a ballot from those that do not."""
    deliveries, poison = [], []
    for entry in entries:
        try:
            deliveries.append(Delivery(entry, decode(entry)))
        except MalformedError as error:
            poison.append(Poison(entry, str(error)))
    return deliveries, poison


def newest_of_each(ballots: Iterable[Ballot]) -> list[Ballot]:
    """Return the newest ballot of each voter, by voter: the order in which rows are locked."""
    newest: dict[str, Ballot] = {}
    for ballot in ballots:
        known = newest.get(ballot.voter)
        if known is None or ballot.version > known.version:
            newest[ballot.voter] = ballot
    return [newest[voter] for voter in sorted(newest)]


def halves(things: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    """Split in the middle; of an odd number the second part gets one more."""
    middle = len(things) // 2
    return things[:middle], things[middle:]
