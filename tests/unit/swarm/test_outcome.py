"""What a fault cost, and whether it may."""

from dataclasses import replace

import pytest

from swarm.ledger import Ballot, Stored, Verdict, judge
from swarm.outcome import Costs, Limits, Window, measure

WINDOW = Window(struck=10, over=15, whole=22.04, until=30)
FREE = Costs(100, 0, 0, 0, 0, 0.1, 0.5, 20)
KEPT = judge([], Stored({}, {}, {}))


def ballot(answered: float, *, problem: str = "", edge: str = "one", stranger: bool = True) -> Ballot:
    return Ballot(f"v{answered}", "a", answered - 0.1, answered, not problem, problem, edge, stranger)


def measured(ballots: list[Ballot], moves: list[list[float]], verdict: Verdict = KEPT) -> Costs:
    return measure(ballots, moves, verdict, WINDOW, frozenset({"struck"}))


def test_only_what_was_answered_since_the_fault_counts() -> None:
    ballots = [ballot(t) for t in (8, 9.9, 10.5, 14, 20, 29)]
    assert measured(ballots, [[29.5]]).acknowledged == 4


def test_refused_at_the_edge_that_was_struck_is_counted_apart() -> None:
    ballots = [
        ballot(9, problem="HTTP 503"),
        ballot(11, problem="HTTP 503"),
        ballot(12, problem="TimeoutError", edge="struck"),
        ballot(13, problem="TimeoutError", edge="struck"),
    ]
    costs = measured(ballots, [[]])
    assert (costs.refused, costs.refused_at_edge, costs.acknowledged) == (1, 2, 0)


def test_what_the_browser_sends_again_is_not_refused() -> None:
    ballots = [replace(ballot(12, problem="no answer"), again=True), ballot(12.5)]
    costs = measured(ballots, [[]])
    assert (costs.refused, costs.acknowledged) == (0, 1)


def test_times() -> None:
    ballots = [ballot(t) for t in (11, 12, 16.04, 28)]
    costs = measured(ballots, [[11.5, 12.1, 16.5, 28.2], [11.5, 27, 28.2]])
    assert (costs.unavailable_s, costs.stale_s, costs.recovery_s) == (12.0, 15.0, 7.0)


def test_the_total_moves_by_strangers_only() -> None:
    ballots = [ballot(11, stranger=False), ballot(20)]
    assert measured(ballots, [[20.5]]).stale_s == 0.5


@pytest.mark.parametrize(
    ("changes", "limits", "excess"),
    [
        ({}, Limits(), []),
        ({"lost": 1}, Limits(), ["lost 1, allowed 0"]),
        ({"doubled": 2}, Limits(), ["doubled 2, allowed 0"]),
        ({"refused": 1}, Limits(), ["refused 1, allowed 0"]),
        ({"refused": 1}, Limits(refused=None), []),
        ({"refused_at_edge": 20}, Limits(refused_at_edge=20), []),
        ({"unavailable_s": 5.1}, Limits(), ["unavailable_s 5.1, allowed 5"]),
        ({"stale_s": 31}, Limits(), ["stale_s 31, allowed 30"]),
        ({"recovery_s": 121}, Limits(), ["recovery_s 121, allowed 120"]),
        ({"stale_s": 31}, Limits(stale_s=None), []),
    ],
)  # fmt: skip
def test_excess(changes: dict[str, float], limits: Limits, excess: list[str]) -> None:
    assert Costs(**vars(FREE) | changes).excess(limits) == excess


def test_a_slow_machine_may_take_longer_and_refuse_but_never_lose() -> None:
    limits = Limits(unavailable_s=5, stale_s=None, recovery_s=120).stretched(3)
    assert limits == Limits(15, None, 360, refused=None, refused_at_edge=None)
    assert Costs(**vars(FREE) | {"lost": 1}).excess(limits) == ["lost 1, allowed 0"]
    assert Limits().stretched(1) == Limits()
