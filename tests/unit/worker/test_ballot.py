from __future__ import annotations

import pytest

from worker.ballot import (
    Ballot,
    Entry,
    MalformedError,
    decode,
    halves,
    newest_of_each,
    sort_out,
)

GOOD = {b"id": b"v", b"vote": b"a", b"version": b"7"}


def test_a_good_entry_is_decoded_and_more_fields_do_no_harm() -> None:
    assert decode(Entry(b"1-0", {**GOOD, b"more": b"\xff"})) == Ballot("v", "a", 7)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({b"id": b""}, "id is empty"),
        ({b"id": b"\xff"}, "id is not UTF-8"),
        ({b"id": b"x" * 201}, "id has more than"),
        ({b"vote": b"k"}, "vote is not an option"),
        ({b"vote": b""}, "vote is empty"),
        ({b"version": b"x"}, "version is not a whole number"),
        ({b"version": b"-1"}, "version is not a whole number"),
        ({b"version": b" 1"}, "version is not a whole number"),
        ({b"version": b"1_0"}, "version is not a whole number"),
        ({b"version": "٣".encode()}, "version is not a whole number"),
        ({b"version": b"9" * 5000}, "version is not a whole number"),
        ({b"version": str(2**63).encode()}, "version is too high"),
    ],
)
def test_malformed(change: dict[bytes, bytes], reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        decode(Entry(b"1-0", {**GOOD, **change}))


@pytest.mark.parametrize("missing", [b"id", b"vote", b"version"])
def test_a_missing_field_is_named(missing: bytes) -> None:
    fields = {name: value for name, value in GOOD.items() if name != missing}
    with pytest.raises(MalformedError, match=f"{missing.decode()} is missing"):
        decode(Entry(b"1-0", fields))


def test_sorting_out_keeps_every_entry() -> None:
    good, bad = Entry(b"1-0", GOOD), Entry(b"2-0", {})
    deliveries, poison = sort_out([good, bad])
    assert [each.entry for each in deliveries] == [good]
    assert [(each.entry, each.reason) for each in poison] == [(bad, "id is missing")]


@pytest.mark.parametrize(
    ("ballots", "kept"),
    [
        ([], []),
        ([("w", 1), ("v", 1)], [("v", 1), ("w", 1)]),
        ([("v", 1), ("v", 3), ("v", 2)], [("v", 3)]),
        ([("v", 2), ("w", 9), ("v", 2)], [("v", 2), ("w", 9)]),
    ],
)
def test_newest_of_each(ballots: list[tuple[str, int]], kept: list[tuple[str, int]]) -> None:
    newest = newest_of_each(Ballot(voter, "a", version) for voter, version in ballots)
    assert [(ballot.voter, ballot.version) for ballot in newest] == kept


@pytest.mark.parametrize("count", range(2, 9))
def test_halves_lose_nothing_and_are_smaller(count: int) -> None:
    things = list(range(count))
    first, second = halves(things)
    assert [*first, *second] == things
    assert 0 < len(first) < count
