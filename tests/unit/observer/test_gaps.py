"""What becomes of numbers that are acknowledged and not stored."""

from __future__ import annotations

import pytest

from observer.gaps import (
    GONE,
    QUEUED,
    SETTLING,
    EntryId,
    Gap,
    Gaps,
    Look,
    Piece,
    Seen,
    count,
    entry_id,
    matched,
)
from worker.account import Range

P, R = "p", "reign"
LOST = [(1, 3)]
EMPTY = (None, None)


def ends(oldest: int, newest: int) -> tuple[EntryId, EntryId]:
    return (oldest, 0), (newest, 0)


def look(
    at: float,
    queue: tuple[EntryId | None, EntryId | None] = EMPTY,
    missing: list[Range] | None = None,
    reign: str | None = R,
    told: int | None = None,
    *,
    sure: bool = True,
) -> Look:
    """Return a look; a process that lives has told at some time, one that is dead at none."""
    seen = Seen(LOST if missing is None else missing, told, told is not None, sure)
    return Look(at, {P: seen}, *queue, reign)


def after(*looks: Look) -> Gaps:
    gaps = Gaps()
    for each in looks:
        gaps.note(each)
    return gaps


def states(gaps: Gaps) -> dict[str, list[Range]]:
    return {state: found for state in (QUEUED, SETTLING, GONE) if (found := gaps.of(P, state))}


@pytest.mark.parametrize(
    ("looks", "state"),
    [
        pytest.param([look(0, EMPTY)], SETTLING, id="missing, and the queue is empty"),
        pytest.param([look(0, ends(1, 9))], QUEUED, id="the queue holds what was there"),
        pytest.param(
            [look(0, ends(1, 9)), look(1, ends(9, 99))], QUEUED, id="the newest of then is still there"
        ),
        pytest.param([look(0, ends(1, 9)), look(1, ends(10, 99))], SETTLING, id="all of then is gone"),
        pytest.param(
            [look(0, ends(1, 9)), look(34, EMPTY), look(34.9, EMPTY)], SETTLING, id="it may be replayed"
        ),
        pytest.param([look(0), look(35, EMPTY)], SETTLING, id="stored between the two questions, perhaps"),
        pytest.param([look(0), look(35, EMPTY), look(36, EMPTY)], GONE, id="not stored, and nowhere"),
        pytest.param([look(0), look(35, EMPTY), look(36, ends(40, 50))], GONE, id="new votes do not hide it"),
        pytest.param(
            [look(0), look(35, ends(30, 90)), look(36, ends(60, 99))], QUEUED, id="replayed behind others"
        ),
        pytest.param(
            [look(0), look(35, ends(30, 90)), look(900, ends(91, 99))],
            SETTLING,
            id="the backlog is stored now",
        ),
        pytest.param(
            [look(0), look(35, ends(30, 90)), look(900, ends(91, 99)), look(901, ends(92, 99))],
            GONE,
            id="the backlog is stored, without it",
        ),
        pytest.param(
            [look(0, ends(1, 9)), look(600, ends(9, 99)), look(601, ends(50, 99))],
            QUEUED,
            id="all that came in the first half minute counts as queued",
        ),
        pytest.param(
            [look(0), look(20, reign="b"), look(36, reign="b")], SETTLING, id="another primary begins anew"
        ),
        pytest.param(
            [look(0), look(20, reign="b"), look(55, reign="b"), look(56, reign="b")],
            GONE,
            id="and comes to an end",
        ),
        pytest.param(
            [look(0), look(35, reign=None), look(36, reign=None)], SETTLING, id="nobody knows the primary"
        ),
        pytest.param(
            [look(0), look(34), look(90, reign=None), look(99), look(100), look(101)],
            GONE,
            id="it is the same one as before: the time before that counts",
        ),
        pytest.param(
            [look(0), look(34), look(90, reign=None), look(99), look(99.9), look(99.9)],
            SETTLING,
            id="the time between does not",
        ),
        pytest.param(
            [look(0), look(20, reign=None), look(21, reign="b"), look(55), look(56), look(57)],
            SETTLING,
            id="another one was in between",
        ),
        pytest.param(
            [look(at, told=1) for at in range(0, 300, 5)],
            SETTLING,
            id="who lives has not told that it replayed",
        ),
        pytest.param(
            [look(0, told=1), look(5, told=1), look(30, told=2), look(35, told=2), look(40, told=2)],
            GONE,
            id="who lives has told that it replayed",
        ),
        pytest.param(
            [look(0, told=1), look(30, told=2), look(35, told=2), look(40, told=2), look(90, told=2)],
            SETTLING,
            id="that word may have been in the queue when the number was missing first",
        ),
        pytest.param(
            [
                *(look(at, ends(1, 9), told=1) for at in (0, 10)),
                look(30, ends(1, 9), told=2),
                *(look(at, told=2) for at in (40, 45, 50, 55)),
            ],
            SETTLING,
            id="that word was in the queue before what was there",
        ),
        pytest.param(
            [look(at, ends(1, 9), told=at) for at in range(0, 90, 5)],
            QUEUED,
            id="what is told counts for nothing while the queue holds what was there",
        ),
        pytest.param(
            [
                *(look(at, told=1) for at in (0, 5)),
                *(look(at, told=2) for at in (10, 15)),
                *(look(at, reign="b", told=2) for at in range(20, 90, 5)),
            ],
            SETTLING,
            id="who lives has told the primary before",
        ),
        pytest.param(
            [look(0, told=1), look(60, told=1), look(180), look(185), look(190)], GONE, id="it has died since"
        ),
        pytest.param(
            [look(0), look(35), look(36), look(37, reign="b"), look(38, ends(1, 9), reign="b")],
            GONE,
            id="what is gone is gone",
        ),
    ],
)
def test_what_becomes_of_a_missing_number(looks: list[Look], state: str) -> None:
    assert states(after(*looks)) == {state: LOST}


def test_silence_stops_the_clock_and_does_not_set_it_back() -> None:
    gaps = after(look(0), look(34))
    gaps.interrupt()
    for at in (90, 90.9):
        gaps.note(look(at))
    assert states(gaps) == {SETTLING: LOST}
    for at in (91, 92):
        gaps.note(look(at))
    assert states(gaps) == {GONE: LOST}


@pytest.mark.parametrize(
    ("doubted", "sure"),
    [((0,), False), ((35,), False), ((36,), False), ((37,), True), ((), True)],
    ids=["first", "before the end", "at the end", "it was lost by then", "never"],
)
def test_what_votes_without_numbers_may_be_is_never_lost_and_what_was_lost_stays_so(
    doubted: tuple[int, ...], sure: bool
) -> None:
    gaps = after(*(look(at, sure=at not in doubted) for at in (0, 35, 36, 37, 38)))
    assert gaps.of(P, GONE, sure=sure) == LOST
    assert gaps.of(P, GONE, sure=not sure) == []


def test_doubt_counts_while_nobody_knows_the_primary() -> None:
    gaps = after(look(0), look(1, reign=None, sure=False), look(2), look(36), look(37), look(38))
    assert gaps.of(P, GONE, sure=False) == LOST


def test_what_is_stored_vanishes_and_what_is_new_begins_by_itself() -> None:
    gaps = after(look(0), look(35), look(36, missing=[(1, 1), (3, 5)]))
    assert states(gaps) == {GONE: [(1, 1), (3, 3)], SETTLING: [(4, 5)]}
    gaps.note(look(37, missing=[]))
    assert states(gaps) == {}


@pytest.mark.parametrize(
    ("looks", "judged"),
    [
        ([], True),
        ([look(0, missing=[])], True),
        ([look(0)], False),
        ([look(0), look(10, missing=[])], True),
        ([look(0), look(35), look(36)], True),
        ([look(0, missing=[]), look(1)], True),
        ([look(0, ends(1, 9)), look(600, ends(9, 99))], False),
    ],
)
def test_whoever_began_to_look_just_now_cannot_say_that_none_is_lost(looks: list[Look], judged: bool) -> None:
    assert after(*looks).judged == judged


A, B, NEW = (Gap(look(0), Seen(LOST), first=False) for _ in range(3))


@pytest.mark.parametrize(
    ("pieces", "missing", "found"),
    [
        ([], [], []),
        ([], [(1, 3)], [(1, 3, NEW)]),
        ([(1, 3, A)], [], []),
        ([(1, 3, A)], [(1, 3)], [(1, 3, A)]),
        ([(1, 9, A)], [(2, 3), (5, 6)], [(2, 3, A), (5, 6, A)]),
        ([(3, 4, A), (8, 9, B)], [(1, 12)], [(1, 2, NEW), (3, 4, A), (5, 7, NEW), (8, 9, B), (10, 12, NEW)]),
        ([(1, 2, A), (3, 4, B)], [(2, 3), (7, 7)], [(2, 2, A), (3, 3, B), (7, 7, NEW)]),
        ([(5, 9, A)], [(1, 5), (9, 10)], [(1, 4, NEW), (5, 5, A), (9, 9, A), (10, 10, NEW)]),
    ],
)
def test_numbers_stay_with_their_gap(
    pieces: list[tuple[int, int, Gap]], missing: list[Range], found: list[tuple[int, int, Gap]]
) -> None:
    assert list(matched([Piece(*each) for each in pieces], missing, NEW)) == found


def test_numbers_are_counted_and_ids_are_in_order() -> None:
    assert count([(1, 3), (7, 7)]) == 4
    assert entry_id(b"9-10") > entry_id(b"9-9") > entry_id(b"8-11")
