from __future__ import annotations

from datetime import UTC, datetime

import pytest

from worker import letter as module
from worker.ballot import Poison
from worker.dead import Kept
from worker.letter import Letter, in_turn, letters_of, paired, parcels
from worker.stream import old_letter

LETTER = Letter(b"1-0", {b"id": b"v", b"vote": b"z"}, "vote is not an option")


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (LETTER._replace(reason="another"), True),
        (LETTER._replace(entry=b"1-1"), False),
        (LETTER._replace(fields={b"id": b"v"}), False),
        (LETTER._replace(fields={b"id": b"vvote", b"": b"z"}), False),
        (LETTER._replace(entry=b"1-02:id", fields={b"v": b"vote", b"z": b""}), False),
    ],
)
def test_a_letter_is_known_by_its_entry_and_fields(other: Letter, same: bool) -> None:
    assert (other.key == LETTER.key) is same


def test_fields_come_back_from_names_and_values_in_turn() -> None:
    assert in_turn(LETTER.fields) == [b"id", b"v", b"vote", b"z"]
    assert paired(in_turn(LETTER.fields)) == LETTER.fields


def test_letters_of_one_entry_share_its_id() -> None:
    bad = [Poison({b"a": b"1"}, "one"), Poison({b"a": b"2"}, "two")]
    assert letters_of({b"5-1": bad}) == {
        b"5-1": [Letter(b"5-1", {b"a": b"1"}, "one"), Letter(b"5-1", {b"a": b"2"}, "two")]
    }


def test_parcels_are_bounded_and_hold_whole_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PARCEL_LETTERS", 3)
    monkeypatch.setattr(module, "PARCEL_BYTES", 100)
    counts = {b"1": 2, b"2": 2, b"3": 1, b"4": 1, b"5": 1}
    large = [Letter(b"6", {b"x": b"y" * 100}, "")]
    letters = {entry: [LETTER] * count for entry, count in counts.items()} | {b"6": large, b"7": [LETTER]}
    assert [(ids, len(parcel)) for ids, parcel in parcels(letters)] == [
        ([b"1", b"2"], 4),
        ([b"3", b"4", b"5"], 3),
        ([b"6"], 1),
        ([b"7"], 1),
    ]


@pytest.mark.parametrize(
    ("fields", "letter"),
    [
        ({b"id": b"v", b"vote": b"z", b"entry": b"1-0", b"reason": b"vote is not an option"}, LETTER),
        ({b"id": b"v"}, Letter(b"", {b"id": b"v"}, "")),
    ],
)
def test_a_letter_of_an_older_worker_is_read(fields: dict[bytes, bytes], letter: Letter) -> None:
    assert old_letter(fields) == letter


def test_what_is_listed_can_do_no_harm_to_a_terminal() -> None:
    kept = Kept(datetime(2026, 11, 28, tzinfo=UTC), b"1-0", b"no'\xff\x1b", 9, [b"id", b"\x1b[2J\0'\""])
    assert kept.line() == {
        "at": "2026-11-28T00:00:00+00:00",
        "entry": "1-0",
        "reason": "no'\ufffd\ufffd",
        "bytes": 9,
        "begins": r"id \x1b[2J\x00\'" + '"',
    }


@pytest.mark.parametrize(
    ("fields", "numbers"),
    [
        ({b"votes": b'[["v","Z",1]]', b"numbers": b"p 7"}, ("p", 1, "{[7,8)}")),
        ({b"votes": b'[["v","a",1],["w","a",1]]', b"poll": b"2", b"numbers": b"p 7"}, ("p", 2, "{[7,9)}")),
        ({b"votes": b"no JSON", b"numbers": b"p 7"}, ("p", 1, "{[7,8)}")),
        ({b"votes": b'[["v","a",1]]', b"poll": b"x", b"numbers": b"p 7"}, ("p", 0, "{[7,8)}")),
        ({b"id": b"v", b"numbers": b"p"}, None),
        ({b"id": b"v"}, None),
    ],
)
def test_a_letter_says_which_numbers_are_in_it(
    fields: dict[bytes, bytes], numbers: tuple[str, int, str] | None
) -> None:
    assert Letter(b"1-0", fields, "bad").numbers == numbers
