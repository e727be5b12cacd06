"""Dead letters: what could not be stored, as it is kept until somebody looks at it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from worker.account import multirange, read_numbers
from worker.ballot import Fields, Poison, poll_of, votes_of

PARCEL_LETTERS = 1000
PARCEL_BYTES = 1_000_000


class Letter(NamedTuple):
    """An entry that is no vote, or the part of one, with the entry's id and the reason."""

    entry: bytes
    fields: Fields
    reason: str

    @property
    def key(self) -> bytes:
        """What tells letters apart: of one part of one entry there is one letter, whatever the reason."""
        digest = hashlib.sha256()
        for text in (self.entry, *in_turn(self.fields)):
            digest.update(b"%d:%b" % (len(text), text))
        return digest.digest()

    @property
    def numbers(self) -> tuple[str, int, str] | None:
        """The process, the poll, and the numbers of the votes in it, where the fields say them."""
        count = votes_of(self.fields) if b"numbers" in self.fields else 0
        named = read_numbers(self.fields.get(b"numbers"), count)
        if named is None or not count:
            return None
        return named.process, poll_of(self.fields), multirange([(named.first, named.first + count - 1)])

    @property
    def size(self) -> int:
        """Bytes of the fields."""
        return sum(map(len, in_turn(self.fields)))


def in_turn(fields: Fields) -> list[bytes]:
    """Return names and values in turn, as an entry is appended."""
    return [text for field in fields.items() for text in field]


def paired(texts: Sequence[bytes]) -> Fields:
    """Return the fields of names and values in turn."""
    return dict(zip(texts[::2], texts[1::2], strict=True))


def letters_of(poison: Mapping[bytes, Sequence[Poison]]) -> dict[bytes, list[Letter]]:
    """Return the letters of each entry, by its id."""
    return {entry: [Letter(entry, *each) for each in bad] for entry, bad in poison.items()}


def parcels(letters: Mapping[bytes, Sequence[Letter]]) -> Iterator[tuple[list[bytes], list[Letter]]]:
    """Yield ids and all letters under them, in parcels that end with the id that makes them large enough."""
    ids: list[bytes] = []
    parcel: list[Letter] = []
    size = 0
    for identity, some in letters.items():
        ids.append(identity)
        parcel += some
        size += sum(letter.size for letter in some)
        if len(parcel) >= PARCEL_LETTERS or size >= PARCEL_BYTES:
            yield ids, parcel
            ids, parcel, size = [], [], 0
    if ids:
        yield ids, parcel
