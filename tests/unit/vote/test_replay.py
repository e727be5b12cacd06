from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from vote.account import Accounts, Mark
from vote.ballot import Ballot
from vote.ledger import Kept, Ledger
from vote.poll import Poll
from vote.primary import Identity, NotAcceptingError
from vote.replay import Replayer, chunks

A, B = Identity("a", "1"), Identity("b", "2")


@pytest.mark.parametrize(
    ("sizes", "parts"),
    [
        ([], []),
        ([1], [[1]]),
        ([2, 2, 2], [[2, 2], [2]]),
        ([1, 9, 1], [[1, 9], [1]]),
        ([4, 4], [[4], [4]]),
    ],
)
def test_what_is_missing_goes_in_parts_of_about_one_size(sizes: list[int], parts: list[list[int]]) -> None:
    missing = [Kept([Ballot("v", "a", 1)] * size, 0, A) for size in sizes]
    assert [[len(kept.ballots) for kept in part] for part in chunks(missing, 4)] == parts


class BrokenError(NotAcceptingError):
    """What a connection says that breaks between two parts."""


class Connection:
    """A connection to a primary that takes so many parts."""

    def __init__(self, identity: Identity, takes: int, *, takes_numbers: bool = True) -> None:
        self.identity, self._takes = identity, takes
        self.takes_numbers = takes_numbers
        self.draining = self.maintained = False
        self.taken: list[list[Ballot]] = []
        self.marks: list[str] = []
        self.closed = False

    def replay(self, missing: Sequence[Kept]) -> None:
        if len(self.taken) == self._takes:
            raise BrokenError
        self.taken.append([ballot for kept in missing for ballot in kept.ballots])

    def mark(self, mark: Mark) -> None:
        self.marks.append(mark.text)

    def present_poll(self) -> Poll:
        return Poll(3)

    def close(self) -> None:
        self.closed = True


def test_what_was_not_taken_is_still_missing() -> None:
    """Marked too early, it would be lost with the next failover."""
    ledger = Ledger()
    batches = [[Ballot(f"{number}-{n}", "a", 1) for n in range(300)] for number in range(3)]
    for batch in batches:
        ledger.confirm(batch, A)
    connection = Connection(B, takes=1)
    replayer = Replayer(cast(Any, SimpleNamespace(open=lambda: connection)), ledger, Accounts())
    with pytest.raises(BrokenError):
        replayer._catch_up()
    assert connection.taken == [batches[0] + batches[1]]
    assert connection.closed
    assert replayer.last_success is None
    assert [kept.ballots for kept in ledger.poll(B, 1.0)] == [batches[2]]


@pytest.mark.parametrize(("takes_numbers", "marks"), [(True, ["p 1-2 -"]), (False, [])])
def test_a_primary_that_has_everything_is_told_what_is_acknowledged(
    takes_numbers: bool, marks: list[str]
) -> None:
    ledger, accounts = Ledger(), Accounts(lambda: "p")
    numbers = accounts.take(2, 1)
    ledger.confirm([Ballot("v", "a", 1), Ballot("w", "a", 1)], A, numbers)
    accounts.acknowledge(numbers, 2)
    connection = Connection(B, takes=1, takes_numbers=takes_numbers)
    replayer = Replayer(cast(Any, SimpleNamespace(open=lambda: connection)), ledger, accounts)
    for _ in range(2):
        replayer._catch_up()
    assert connection.marks == marks
    assert len(connection.taken) == 1
    ((_, mark),) = accounts.untold(A, 1, 0.0)
    assert mark.text == ("p 1-2 -" if takes_numbers else "p 1-2 1-2")


def test_a_queue_that_drains_gets_votes_and_no_mark() -> None:
    """The workers that come next may be of a release that takes a mark for a vote."""
    ledger, accounts = Ledger(), Accounts(lambda: "p")
    numbers = accounts.take(1, 1)
    ledger.confirm([Ballot("v", "a", 1)], A, numbers)
    accounts.acknowledge(numbers, 1)
    connection = Connection(B, takes=1)
    replayer = Replayer(cast(Any, SimpleNamespace(open=lambda: connection)), ledger, accounts)
    for connection.draining, marks in ((True, []), (False, ["p 1-1 -"])):
        replayer._catch_up()
        assert (len(connection.taken), connection.marks, replayer.draining) == (1, marks, not marks)


def test_a_primary_that_refuses_a_mark_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = Accounts(lambda: "p")
    accounts.acknowledge(accounts.take(2, 3), 2)
    connection = Connection(A, takes=1)
    replayer = Replayer(cast(Any, SimpleNamespace(open=lambda: connection)), Ledger(), accounts)
    with monkeypatch.context() as patch:
        patch.setattr(Connection, "mark", full)
        replayer._catch_up()
    accounts.end()
    assert not accounts.ended
    replayer._catch_up()
    assert connection.marks == ["p 1-2 - end"]
    assert accounts.ended


def full(_connection: Connection, _mark: Mark) -> None:
    raise NotAcceptingError
