from __future__ import annotations

import itertools

import pytest

from vote.account import MOST_RANGES, REPEAT_SECONDS, Accounts, Ranges, Told, new_process
from vote.ballot import Numbers
from vote.primary import Identity

A, B = Identity("a", "1"), Identity("b", "2")


def accounts() -> Accounts:
    names = (f"p{number}" for number in itertools.count(1))
    return Accounts(lambda: next(names))


def told(book: Accounts, identity: Identity, poll: int = 1, now: float = 0.0) -> list[str]:
    """Tell a primary what it was not told, and return that."""
    found = book.untold(identity, poll, now)
    for account, mark in found:
        account.told = Told(identity, mark.text, now)
    return [mark.text for _, mark in found]


@pytest.mark.parametrize(
    ("added", "text"),
    [
        ([], "-"),
        ([(1, 1)], "1-1"),
        ([(1, 17), (18, 18)], "1-18"),
        ([(1, 17), (20, 400)], "1-17,20-400"),
        ([(2 * n, 2 * n) for n in range(300)], ",".join(f"{2 * n}-{2 * n}" for n in range(100, 300))),
    ],
)
def test_ranges_as_they_are_told(added: list[tuple[int, int]], text: str) -> None:
    ranges = Ranges()
    for pair in added:
        ranges.add(*pair)
    assert str(ranges) == text


def test_a_mark_is_short_enough_for_the_queue() -> None:
    ranges = Ranges()
    for number in range(MOST_RANGES):
        ranges.add(10**18 + 2 * number, 10**18 + 2 * number)
    assert 2 * len(str(ranges)) + 300 < 16384


def test_numbers_follow_each_other_and_none_is_given_twice() -> None:
    book = accounts()
    assert [book.take(count, 1) for count in (3, 1, 2)] == [
        Numbers("p1", 1),
        Numbers("p1", 4),
        Numbers("p1", 5),
    ]


def test_a_batch_that_was_not_acknowledged_is_void() -> None:
    book = accounts()
    for count, good in ((3, True), (2, False), (2, True), (1, True)):
        numbers = book.take(count, 1)
        if good:
            book.acknowledge(numbers, count)
    assert told(book, A) == ["p1 1-3,6-8 -"]


def test_a_primary_is_told_only_what_it_was_not_told() -> None:
    book = accounts()
    assert told(book, A) == []
    book.take(5, 1)
    assert [told(book, A), told(book, A)] == [["p1 - -"], []]
    book.acknowledge(book.take(1, 1), 1)
    assert [told(book, A), told(book, A)] == [["p1 6-6 -"], []]
    assert [told(book, B), told(book, B)] == [["p1 6-6 -"], []]
    book.acknowledge(book.take(1, 1), 1)
    assert told(book, B) == ["p1 6-7 -"]


def test_a_primary_hears_each_half_minute_that_the_process_lives() -> None:
    book = accounts()
    book.acknowledge(book.take(1, 1), 1)
    moments = (0.0, 1.0, REPEAT_SECONDS - 1, REPEAT_SECONDS, REPEAT_SECONDS + 1, 2 * REPEAT_SECONDS)
    assert [len(told(book, A, now=now)) for now in moments] == [1, 0, 0, 1, 0, 1]


@pytest.mark.parametrize(("present", "again"), [(1, ["p1 1-1 -", "p2 1-1 -"]), (2, ["p2 1-1 -"]), (3, [])])
def test_nothing_is_repeated_of_a_poll_that_is_over(present: int, again: list[str]) -> None:
    book = accounts()
    for poll in (1, 2):
        book.acknowledge(book.take(1, poll), 1)
    assert told(book, A, present) == ["p1 1-1 -", "p2 1-1 -"]
    assert told(book, A, present, REPEAT_SECONDS) == again


def test_the_last_word_is_told_once_and_again_where_it_was_not_all() -> None:
    book = accounts()
    book.acknowledge(book.take(1, 1), 1)
    assert told(book, A) == ["p1 1-1 -"]
    assert not book.ended
    book.end()
    assert not book.ended
    assert [told(book, A), told(book, A)] == [["p1 1-1 - end"], []]
    assert book.ended
    book.acknowledge(book.take(1, 1), 1)
    assert not book.ended
    assert told(book, A) == ["p1 1-2 - end"]
    assert book.ended


def test_a_process_that_took_no_vote_has_no_last_word() -> None:
    book = accounts()
    book.end()
    assert (told(book, A), book.ended) == ([], True)


def test_each_poll_has_an_account_and_the_last_word_of_the_one_before_is_told() -> None:
    book = accounts()
    for poll in (1, 2, 3):
        book.acknowledge(book.take(2, poll), 2)
    assert [mark for _, mark in book.untold(A, 3, 0.0)] == [(2, "p2 1-2 -"), (3, "p3 1-2 -")]


def test_what_came_again_without_numbers_is_told() -> None:
    book = accounts()
    book.acknowledge(book.take(5, 1), 5)
    assert told(book, A) == ["p1 1-5 -"]
    book.strip(Numbers("p1", 2), 3)
    book.strip(Numbers("another", 1), 1)
    assert told(book, A) == ["p1 1-5 2-4"]


def test_an_id_is_of_one_process_alone() -> None:
    ids = {new_process() for _ in range(100)}
    assert len(ids) == 100
    assert not any(" " in each for each in ids)
