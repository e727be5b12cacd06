"""Stream entries and the ballots in them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from string import ascii_lowercase
from typing import NamedTuple

from worker.account import Mark, Numbers, read_mark, read_numbers
from worker.errors import ServiceError

LONGEST_ID = 200
# The vote page puts 16 into an entry. One with many more is nobody's, and is not taken apart: a megabyte of
# tiny parts would be a hundred in memory.
MOST_VOTES = 100
# Every key that a vote page may offer. Which of them it does offer now is its business alone: a vote
# that was acknowledged before a change of the options must still be stored after it.
KEYS = frozenset(ascii_lowercase)
HIGHEST_POLL = 2**31 - 1
HIGHEST_VERSION = 2**63 - 1
MOST_DIGITS = len(str(HIGHEST_VERSION))
PROBE = re.compile(rb"[0-9a-f]{32}\Z")

Fields = Mapping[bytes, bytes]


class Entry(NamedTuple):
    """A stream entry as it was delivered."""

    entry_id: bytes
    fields: Fields


class Ballot(NamedTuple):
    """One voter's choice; of two ballots of one voter the higher version counts."""

    voter: str
    choice: str
    version: int


class Poison(NamedTuple):
    """What can never be stored: the fields that would bring it again, and why."""

    fields: Fields
    reason: str


class Content(NamedTuple):
    """The ballots of an entry, those parts of it that are no ballots, and the number of its poll.

    The ballots have these numbers in the account of a process, where the entry names one. `probe` is the id
    of a test vote, by which the monitoring looks whether votes come through.
    """

    entry_id: bytes
    ballots: Sequence[Ballot]
    poison: Sequence[Poison]
    poll: int = 1
    process: str = ""
    numbers: Sequence[int] = ()
    mark: Mark | None = None
    probe: str = ""


class MalformedError(ServiceError):
    """A part of an entry is no ballot."""


def open_entry(entry: Entry) -> Content:
    """Separate the ballots of an entry from its parts that are no ballots."""
    try:
        poll, parts = _poll(entry.fields), _parts(entry.fields)
    except MalformedError as error:
        return Content(entry.entry_id, (), (Poison(entry.fields, str(error)),))
    named = read_numbers(entry.fields.get(b"numbers"), len(parts))
    process, numbers = (named.process, _following(named, len(parts))) if named else ("", ())
    mark, probe = read_mark(entry.fields.get(b"mark")), _probe(entry.fields)
    try:
        ballots = [ballot_of(*part) for part in parts]
    except MalformedError:
        found, poison = _separated(entry, parts, poll, named)
        at = [numbers[place] for place in found] if named else ()
        return Content(entry.entry_id, [*found.values()], poison, poll, process, at, mark, probe)
    return Content(entry.entry_id, ballots, (), poll, process, numbers, mark, probe)


def _following(named: Numbers, count: int) -> range:
    return range(named.first, named.first + count)


def _separated(
    entry: Entry, parts: Sequence[Sequence[object]], poll: int, named: Numbers | None
) -> tuple[dict[int, Ballot], list[Poison]]:
    """Return the ballots by their places in the entry, and the parts that are none."""
    ballots, poison = {}, []
    for place, part in enumerate(parts):
        try:
            ballots[place] = ballot_of(*part)
        except MalformedError as error:
            numbers = named and Numbers(named.process, named.first + place)
            alone = entry.fields if len(parts) == 1 else packed(part, poll, numbers)
            poison.append(Poison(alone, str(error)))
    return ballots, poison


def _probe(fields: Fields) -> str:
    found = fields.get(b"probe", b"")
    return found.decode() if PROBE.match(found) else ""


def _poll(fields: Fields) -> int:
    """Return the number of the poll; entries of the first do not name it."""
    if b"poll" not in fields:
        return 1
    number = _number(_text(fields, b"poll"))
    if number is None or not 1 <= number <= HIGHEST_POLL:
        raise MalformedError("poll is not the number of one")
    return number


def _parts(fields: Fields) -> Sequence[Sequence[object]]:
    """Return what should be the parts of ballots; a ballot that is alone has a field for each."""
    if b"votes" not in fields:
        return [(_text(fields, b"id"), _text(fields, b"vote"), _number(_text(fields, b"version")))]
    try:
        parts = json.loads(fields[b"votes"])
    except (ValueError, RecursionError):
        raise MalformedError("votes is not JSON") from None
    if not isinstance(parts, list) or any(not isinstance(part, list) or len(part) != 3 for part in parts):
        raise MalformedError("votes is not a list of [id, vote, version]")
    if len(parts) > MOST_VOTES:
        raise MalformedError(f"votes has more than {MOST_VOTES} votes")
    return parts


def _text(fields: Fields, name: bytes) -> str:
    try:
        return fields[name].decode()
    except KeyError:
        raise MalformedError(f"{name.decode()} is missing") from None
    except UnicodeDecodeError:
        raise MalformedError(f"{name.decode()} is not UTF-8") from None


def _number(text: str) -> int | None:
    # Only ASCII digits: int() also takes spaces, underscores and the digits of other scripts.
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else None


def ballot_of(voter: object, choice: object, version: object) -> Ballot:
    """Put a ballot together; raise MalformedError, with the reason, when its parts do not make one."""
    if not isinstance(voter, str) or not voter:
        raise MalformedError("id is empty or no text")
    if len(voter) > LONGEST_ID:
        raise MalformedError(f"id has more than {LONGEST_ID} characters")
    # All else that PostgreSQL takes for no text, so that it need not find the culprit in a batch.
    if "\0" in voter:
        raise MalformedError("id holds a NUL")
    if not voter.isascii() and any("\ud800" <= character <= "\udfff" for character in voter):
        raise MalformedError("id is not Unicode")
    if not isinstance(choice, str) or choice not in KEYS:
        raise MalformedError("vote is not an option")
    if type(version) is not int or version < 0:
        raise MalformedError("version is not a whole number")
    if version > HIGHEST_VERSION:
        raise MalformedError("version is too high")
    return Ballot(voter, choice, version)


def packed(part: Sequence[object], poll: int = 1, numbers: Numbers | None = None) -> Fields:
    """Return the fields of an entry with what should be one ballot of a poll."""
    named = {b"poll": str(poll).encode()} if poll > 1 else {}
    told = {b"numbers": f"{numbers.process} {numbers.first}".encode()} if numbers else {}
    return {b"votes": json.dumps([part]).encode(), **named, **told}


def votes_of(fields: Fields) -> int:
    """Return how many votes an entry should hold: one where that cannot be read."""
    try:
        return len(_parts(fields))
    except MalformedError:
        return 1


def poll_of(fields: Fields) -> int:
    """Return the number of an entry's poll; 0 where that cannot be read."""
    try:
        return _poll(fields)
    except MalformedError:
        return 0


def newest_of_each(ballots: Iterable[Ballot]) -> list[Ballot]:
    """Return the newest ballot of each voter, by voter: the order in which rows are locked."""
    newest: dict[str, Ballot] = {}
    for ballot in ballots:
        known = newest.get(ballot.voter)
        if known is None or ballot.version > known.version:
            newest[ballot.voter] = ballot
    return [newest[voter] for voter in sorted(newest)]
