from __future__ import annotations

from collections.abc import Sequence

import pytest

from vote.account import Account
from worker.account import HIGHEST, Mark, Numbers, Row, joined, multirange, read_mark, read_numbers, rows


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        (b"p 1", Numbers("p", 1)),
        (b"c0ffee-1-ab 17", Numbers("c0ffee-1-ab", 17)),
        (f"p {HIGHEST - 3}".encode(), Numbers("p", HIGHEST - 3)),
        (f"p {HIGHEST}".encode(), None),
        (None, None),
        (b"", None),
        (b"p", None),
        (b"p 0", None),
        (b"p -1", None),
        (b"p x", None),
        (b"p 1 2", None),
        (b" 1", None),
        ("p ٣".encode(), None),
        (b"p\0 1", None),
        (b"p\n 1", None),
        (b"\xff 1", None),
        (b"p " + b"9" * 30, None),
        (b"p" * 201 + b" 1", None),
    ],
)
def test_the_numbers_of_an_entry(text: bytes | None, numbers: Numbers | None) -> None:
    assert read_numbers(text, 3) == numbers


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        (b"p 1-17,20-400 -", Mark("p", [(1, 17), (20, 400)], [])),
        (b"p 1-1 1-1", Mark("p", [(1, 1)], [(1, 1)])),
        (b"p - -", Mark("p", [], [])),
        (b"p 1-17 - end", Mark("p", [(1, 17)], [], ended=True)),
        (b"p 1-17 - END", None),
        (b"p 1-17 end", None),
        (b"p 1-17", None),
        (b"p 17-1 -", None),
        (b"p 0-1 -", None),
        (b"p 1-17, -", None),
        (b"p 1-9999999999999999999 -", None),
        (b"p 1 -", None),
        (b"", None),
        (None, None),
    ],
)
def test_a_mark(text: bytes | None, mark: Mark | None) -> None:
    assert read_mark(text) == mark


def test_a_mark_is_read_as_it_is_written() -> None:
    account = Account("p", 1)
    account.acknowledged.add(1, 17)
    account.acknowledged.add(20, 400)
    for ending in (False, True):
        told = account.mark(ending=ending).text.encode()
        assert read_mark(told) == Mark("p", [(1, 17), (20, 400)], [], ended=ending)


@pytest.mark.parametrize(
    ("numbered", "found"),
    [
        ([], {}),
        ([("p", [])], {"p": []}),
        ([("p", [1]), ("p", [2]), ("p", [4])], {"p": [(1, 2), (4, 4)]}),
        ([("p", range(1, 17)), ("q", [2]), ("p", range(17, 33))], {"p": [(1, 32)], "q": [(2, 2)]}),
        ([("p", [1, 3, 4]), ("p", [5])], {"p": [(1, 1), (3, 5)]}),
        ([("p", [5]), ("p", [1])], {"p": [(5, 5), (1, 1)]}),
    ],
)
def test_numbers_are_joined(
    numbered: list[tuple[str, Sequence[int]]], found: dict[str, list[tuple[int, int]]]
) -> None:
    assert joined(numbered) == found


def test_what_a_commit_adds_is_one_row_for_each_process_in_order() -> None:
    marks = [Mark("q", [(1, 3)], []), Mark("p", [(1, 1)], []), Mark("q", [(5, 6)], [(2, 2)], ended=True)]
    marks.append(Mark("q", [(1, 3)], []))  # it was told before, and comes late
    assert rows({"q": [(4, 4)], "a": [(1, 2)]}, marks) == [
        Row("a", stored="{[1,3)}"),
        Row("p", "{[1,2)}", ended=False),
        Row("q", "{[1,4),[5,7),[1,4)}", "{[2,3)}", "{[4,5)}", ended=True),
    ]


def test_a_multirange_as_postgresql_writes_it() -> None:
    assert multirange([(1, 17), (20, 20)]) == "{[1,18),[20,21)}"
