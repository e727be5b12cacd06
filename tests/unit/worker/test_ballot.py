from __future__ import annotations

from string import ascii_lowercase

import pytest

from vote.ballot import Ballot as VoteBallot
from vote.ballot import entries as vote_entries
from vote.ballot import probe_entries
from vote.probe import Probe
from worker.ballot import (
    Ballot,
    Entry,
    Fields,
    newest_of_each,
    open_entry,
)

GOOD = {b"id": b"v", b"vote": b"a", b"version": b"7"}


def opened(fields: Fields) -> tuple[list[Ballot], list[tuple[Fields, str]]]:
    content = open_entry(Entry(b"1-0", fields))
    assert content.entry_id == b"1-0"
    return list(content.ballots), [(bad.fields, bad.reason) for bad in content.poison]


def test_a_ballot_alone_is_read_and_more_fields_do_no_harm() -> None:
    assert opened({**GOOD, b"more": b"\xff"}) == ([Ballot("v", "a", 7)], [])


def test_every_key_that_an_option_can_ever_have_is_taken() -> None:
    for key in ascii_lowercase:
        assert opened({**GOOD, b"vote": key.encode()}) == ([Ballot("v", key, 7)], [])


def test_ballots_that_share_an_entry_are_read() -> None:
    together = (Ballot("v", "a", 7), Ballot("w\u00e9", "b", 2**63 - 1))
    (entry,) = vote_entries([VoteBallot(*ballot) for ballot in together])
    names, values = entry[::2], entry[1::2]
    fields = {str(n).encode(): str(v).encode() for n, v in zip(names, values, strict=True)}
    assert opened(fields) == (list(together), [])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({b"id": b""}, "id is empty or no text"),
        ({b"id": b"\xff"}, "id is not UTF-8"),
        ({b"id": b"no\0good"}, "id holds a NUL"),
        ({b"id": b"x" * 201}, "id has more than 200 characters"),
        ({b"vote": b"K"}, "vote is not an option"),
        ({b"vote": b""}, "vote is not an option"),
        ({b"version": b""}, "version is not a whole number"),
        ({b"version": b"x"}, "version is not a whole number"),
        ({b"version": b"-1"}, "version is not a whole number"),
        ({b"version": b" 1"}, "version is not a whole number"),
        ({b"version": b"1_0"}, "version is not a whole number"),
        ({b"version": "٣".encode()}, "version is not a whole number"),
        ({b"version": b"9" * 5000}, "version is not a whole number"),
        ({b"version": str(2**63).encode()}, "version is too high"),
        ({b"votes": b"{"}, "votes is not JSON"),
        ({b"votes": b"\xff"}, "votes is not JSON"),
        ({b"votes": b"[" * 100_000}, "votes is not JSON"),
        ({b"votes": b"9" * 5000}, "votes is not JSON"),
        ({b"votes": b"{}"}, "votes is not a list of [id, vote, version]"),
        ({b"votes": b"[7]"}, "votes is not a list of [id, vote, version]"),
        ({b"votes": b'[["v", "a"]]'}, "votes is not a list of [id, vote, version]"),
    ],
)
def test_malformed(change: dict[bytes, bytes], reason: str) -> None:
    fields = {**GOOD, **change}
    assert opened(fields) == ([], [(fields, reason)])


@pytest.mark.parametrize("missing", [b"id", b"vote", b"version"])
def test_a_missing_field_is_named(missing: bytes) -> None:
    fields = {name: value for name, value in GOOD.items() if name != missing}
    assert opened(fields) == ([], [(fields, f"{missing.decode()} is missing")])


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ('["no\\u0000good", "a", 7]', "id holds a NUL"),
        ('[7, "a", 7]', "id is empty or no text"),
        ('["", "a", 7]', "id is empty or no text"),
        ('["\\ud800", "a", 7]', "id is not Unicode"),
        ('["v", "K", 7]', "vote is not an option"),
        ('["v", ["a"], 7]', "vote is not an option"),
        ('["v", "a", true]', "version is not a whole number"),
        ('["v", "a", "7"]', "version is not a whole number"),
        ('["v", "a", 7.0]', "version is not a whole number"),
        ('["v", "a", -1]', "version is not a whole number"),
        ('["v", "a", 9223372036854775808]', "version is too high"),
    ],
)
def test_of_ballots_that_share_an_entry_only_the_malformed_is_poison(part: str, reason: str) -> None:
    ballots, poison = opened({b"votes": f'[["w", "a", 1], {part}, ["x", "b", 2]]'.encode()})
    assert ballots == [("w", "a", 1), ("x", "b", 2)]
    assert poison == [({b"votes": f"[{part}]".encode()}, reason)]
    assert opened(poison[0][0]) == ([], poison), "a dead letter that is put back is the same poison"


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


@pytest.mark.parametrize(
    ("named", "poll"), [({}, 1), ({b"poll": b"1"}, 1), ({b"poll": b"2147483647"}, 2**31 - 1)]
)
@pytest.mark.parametrize("fields", [GOOD, {b"votes": b'[["v", "a", 7]]'}], ids=["alone", "together"])
def test_an_entry_is_of_the_poll_that_it_names_or_else_of_the_first(
    fields: Fields, named: Fields, poll: int
) -> None:
    content = open_entry(Entry(b"1-0", {**fields, **named}))
    assert (content.poll, list(content.ballots)) == (poll, [Ballot("v", "a", 7)])


@pytest.mark.parametrize("number", [b"", b"0", b"-1", b"x", b"\xff", b"2147483648", b" 2", b"9" * 99])
def test_what_is_not_the_number_of_a_poll_is_poison(number: bytes) -> None:
    fields = {**GOOD, b"poll": number}
    ballots, poison = opened(fields)
    assert ballots == []
    assert [bad for bad, _ in poison] == [fields]


def test_a_part_that_is_no_ballot_stays_one_of_its_poll() -> None:
    _, poison = opened({b"votes": b'[["v", "a", 7], ["w", "?", 7]]', b"poll": b"3"})
    assert [fields[b"poll"] for fields, _ in poison] == [b"3"]


TWO_VOTES = b'[["v","a",1],["w","b",2]]'


@pytest.mark.parametrize(
    ("fields", "numbers"),
    [
        ({b"votes": TWO_VOTES, b"numbers": b"p 7"}, ("p", [7, 8])),
        ({b"id": b"v", b"vote": b"a", b"version": b"1", b"numbers": b"p 7"}, ("p", [7])),
        ({b"votes": b'[["v","a",1],["w","Z",2],["x","b",3]]', b"numbers": b"p 7"}, ("p", [7, 9])),
        ({b"votes": TWO_VOTES}, ("", [])),
        ({b"votes": TWO_VOTES, b"numbers": b"nonsense"}, ("", [])),
    ],
)
def test_ballots_have_the_numbers_that_the_entry_says(
    fields: dict[bytes, bytes], numbers: tuple[str, list[int]]
) -> None:
    content = open_entry(Entry(b"1-0", fields))
    assert (content.process, [*content.numbers]) == numbers
    assert len(content.ballots) >= 1


def test_a_part_that_is_no_ballot_keeps_its_number() -> None:
    fields = {b"votes": b'[["v","a",1],["w","Z",2]]', b"poll": b"3", b"numbers": b"p 7"}
    (poison,) = open_entry(Entry(b"1-0", fields)).poison
    assert poison.fields == {b"votes": b'[["w", "Z", 2]]', b"poll": b"3", b"numbers": b"p 8"}


@pytest.mark.parametrize("mark", [b"p 1-3 -", b"nonsense"])
def test_a_mark_is_an_entry_without_votes_and_never_poison(mark: bytes) -> None:
    content = open_entry(Entry(b"1-0", {b"votes": b"[]", b"mark": mark}))
    assert (content.ballots, content.poison) == ([], ())
    assert (content.mark is None) == (mark == b"nonsense")


@pytest.mark.parametrize(
    ("fields", "probe"),
    [
        ({b"votes": b"[]", b"probe": b"0123456789abcdef" * 2}, "0123456789abcdef" * 2),
        ({**GOOD, b"probe": b"0" * 32}, "0" * 32),
        ({b"votes": b"[]", b"probe": b"0" * 31}, ""),
        ({b"votes": b"[]", b"probe": b"0" * 33}, ""),
        ({b"votes": b"[]", b"probe": b"\xff" * 32}, ""),
        ({b"votes": b"[]", b"probe": b"0" * 32 + b"\n"}, ""),
        ({b"votes": b"[]", b"probe": b""}, ""),
        (GOOD, ""),
    ],
)
def test_a_test_vote_is_no_ballot_and_never_a_dead_letter(fields: Fields, probe: str) -> None:
    content = open_entry(Entry(b"1-0", fields))
    assert (content.probe, [*content.poison]) == (probe, [])
    assert list(content.ballots) == ([Ballot("v", "a", 7)] if b"vote" in fields else [])


def test_a_test_vote_is_read_as_the_vote_service_writes_it() -> None:
    (entry,) = probe_entries([Probe("0" * 32, 2)])
    names, values = entry[::2], entry[1::2]
    fields = {n.encode(): v.encode() for n, v in zip(names, values, strict=True)}
    content = open_entry(Entry(b"1-0", fields))
    assert (content.probe, content.poll, [*content.ballots], [*content.poison]) == ("0" * 32, 2, [], [])
