from __future__ import annotations

from collections.abc import Sequence

from vote.ballot import Ballot, Numbers
from vote.ledger import FULL, Kept, Ledger
from vote.primary import Identity

A, B = Identity("a", "1"), Identity("b", "2")
A_AGAIN = Identity("a", "3")
VOTE, LATER = Ballot("v", "a", 1), Ballot("w", "b", 2)


def ballots(missing: Sequence[Kept]) -> list[Ballot]:
    return [ballot for kept in missing for ballot in kept.ballots]


def replay(missing: Sequence[Kept], identity: Identity) -> None:
    for kept in missing:
        kept.confirmed_by.add(identity)


def test_what_the_present_primary_confirmed_is_not_missing() -> None:
    ledger = Ledger()
    ledger.confirm([VOTE], A)
    assert ledger.poll(A, 0) == []


def test_a_new_primary_misses_what_only_the_old_one_confirmed() -> None:
    ledger = Ledger()
    ledger.confirm([VOTE], A)
    ledger.confirm([LATER], B)
    missing = ledger.poll(B, 0)
    assert ballots(missing) == [VOTE]
    replay(missing, B)
    assert ledger.poll(B, 1) == []


def test_a_primary_that_came_back_is_another_one() -> None:
    ledger = Ledger()
    ledger.confirm([VOTE], A)
    assert ballots(ledger.poll(A_AGAIN, 0)) == [VOTE]


def test_a_late_word_of_the_old_primary_is_replayed_to_the_new_one() -> None:
    ledger = Ledger()
    assert ledger.poll(B, 0) == []
    ledger.confirm([VOTE], A)
    assert ballots(ledger.poll(B, 1)) == [VOTE]


def test_what_the_old_primary_confirms_while_the_rest_is_replayed_is_replayed_next() -> None:
    ledger = Ledger()
    ledger.confirm([VOTE], A)
    missing = ledger.poll(B, 0)
    ledger.confirm([LATER], A)
    replay(missing, B)
    assert ballots(missing) == [VOTE]
    assert ballots(ledger.poll(B, 1)) == [LATER]


def test_votes_between_two_looks_are_kept_together_in_order() -> None:
    ledger = Ledger()
    given = [Ballot("v", "a", number) for number in range(4 * FULL)]
    for first in range(0, len(given), FULL // 2 + 1):
        ledger.confirm(given[first : first + FULL // 2 + 1], A)
    missing = ledger.poll(B, 0)
    assert [len(kept.ballots) for kept in missing] == [FULL + 2] * 3 + [FULL - 6]
    assert ballots(missing) == given


def test_votes_leave_after_half_a_minute() -> None:
    ledger = Ledger(keep_seconds=30)
    ledger.poll(A, 0)
    ledger.confirm([VOTE, LATER], A)
    ledger.poll(A, 30)
    assert len(ledger) == 2
    ledger.poll(A, 31)
    assert len(ledger) == 0


def test_an_old_vote_stays_until_the_present_primary_has_it() -> None:
    ledger = Ledger(keep_seconds=30)
    ledger.poll(B, 0)
    ledger.confirm([VOTE], A)
    ledger.confirm([LATER], B)
    missing = ledger.poll(B, 100)
    assert ballots(missing) == [VOTE]
    assert len(ledger) == 2
    replay(missing, B)
    ledger.poll(B, 101)
    assert len(ledger) == 0


def test_votes_do_not_age_while_the_primary_changes() -> None:
    ledger = Ledger(keep_seconds=30)
    ledger.poll(A, 0)
    ledger.confirm([VOTE], A)
    replay(ledger.poll(B, 100), B)
    ledger.poll(A, 200)
    assert len(ledger) == 1


def test_numbers_stay_with_their_ballots() -> None:
    ledger = Ledger()
    sent = [Numbers("p", 1), Numbers("p", 3), Numbers("p", 7), None, None, Numbers("q", 1)]
    for numbers in sent:
        ledger.confirm([VOTE, LATER], A, numbers)
    kept = [(each.numbers, len(each.ballots)) for each in ledger.poll(B, 0)]
    assert kept == [(Numbers("p", 1), 4), (Numbers("p", 7), 2), (None, 4), (Numbers("q", 1), 2)]
