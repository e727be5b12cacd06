"""What is stored by hand is given to the statement that workers have."""

from bench import storing
from bench.ballots import Accounts, ballots
from worker.store import SAVE


def test_the_statement_by_hand_has_a_value_for_each_place() -> None:
    assert len(storing.parameters(ballots(10))) == SAVE.count("%s")


def test_two_processes_give_numbers_in_turn_and_none_twice() -> None:
    accounts = Accounts()
    taken = [accounts.take(count) for count in (8, 8, 3, 1)]
    assert [numbers.first for numbers in taken] == [1, 1, 9, 9]
    assert len({numbers.process for numbers in taken}) == 2
