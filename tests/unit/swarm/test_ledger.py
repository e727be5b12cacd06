"""The judge must see a lost, a stale and a doubled vote, and must not cry wolf."""

import pytest

from swarm.ledger import Ballot, judge, longest_silence


def ballot(voter: str, choice: str, at: float, *, acknowledged: bool = True) -> Ballot:
    return Ballot(voter, choice, at, at + 0.1, acknowledged)


HISTORY = [ballot("x", "a", 1), ballot("x", "b", 2), ballot("y", "a", 1)]


@pytest.mark.parametrize(
    ("ballots", "rows", "tally"),
    [
        pytest.param(HISTORY, {"x": "b", "y": "a"}, {"a": 1, "b": 1}, id="as promised"),
        pytest.param(
            [*HISTORY, ballot("x", "a", 3, acknowledged=False)],
            {"x": "b", "y": "a"},
            {"a": 1, "b": 1},
            id="a later refused vote was not recorded",
        ),
        pytest.param(
            [*HISTORY, ballot("x", "a", 3, acknowledged=False)],
            {"x": "a", "y": "a"},
            {"a": 2, "b": 0},
            id="a later unanswered vote was recorded",
        ),
        pytest.param(
            [ballot("z", "a", 1, acknowledged=False)], {}, {}, id="never acknowledged, never recorded"
        ),
        pytest.param(HISTORY, {"x": "b", "y": "a", "other": "a"}, {"a": 2, "b": 1}, id="other voters' rows"),
    ],
)
def test_kept(ballots: list[Ballot], rows: dict[str, str], tally: dict[str, int]) -> None:
    assert judge(ballots, rows, tally).kept


def test_a_lost_vote_is_found() -> None:
    verdict = judge(HISTORY, {"x": "b"}, {"b": 1})
    assert (verdict.lost, verdict.stale, verdict.kept) == (("y",), (), False)


def test_a_stale_vote_is_found() -> None:
    verdict = judge(HISTORY, {"x": "a", "y": "a"}, {"a": 2})
    assert (verdict.lost, verdict.stale, verdict.kept) == ((), ("x",), False)


@pytest.mark.parametrize(
    ("tally", "difference"),
    [({"a": 2, "b": 1}, {"a": 1}), ({"a": 1}, {"b": -1}), ({"a": 1, "b": 1, "c": 1}, {"c": 1})],
)
def test_a_doubled_vote_is_found(tally: dict[str, int], difference: dict[str, int]) -> None:
    verdict = judge(HISTORY, {"x": "b", "y": "a"}, tally)
    assert (verdict.miscounted, verdict.kept) == (difference, False)


def test_silence_is_measured_from_the_fault() -> None:
    ballots = [
        ballot("x", "a", 0),
        ballot("x", "b", 5),
        ballot("x", "a", 6),
        ballot("x", "b", 9, acknowledged=False),
    ]
    assert longest_silence(ballots, since=2.0) == pytest.approx(3.1)
    assert longest_silence(ballots, since=20.0) == 0.0
