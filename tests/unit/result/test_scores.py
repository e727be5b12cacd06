from __future__ import annotations

import pytest

from result.scores import Bar, Reading, State, bars, complete, judge

OPTIONS = {"a": "Cats", "b": "Dogs"}


@pytest.mark.parametrize(
    ("reading", "state"),
    [
        (None, State.WAITING),
        (Reading({}, None), State.WAITING),
        (Reading({"a": 1}, 0.5), State.LIVE),
        (Reading({"a": 1}, 6.0), State.LIVE),
        (Reading({"a": 1}, 6.1), State.WAITING),
    ],
)
def test_numbers_are_live_while_commits_are_possible(reading: Reading | None, state: State) -> None:
    assert judge(reading) is state


@pytest.mark.parametrize(
    ("tally", "scores"),
    [
        ({}, {"a": 0, "b": 0}),
        ({"b": 3}, {"a": 0, "b": 3}),
        ({"a": 1, "z": 9}, {"a": 1, "b": 0}),
    ],
)
def test_every_option_has_a_score(tally: dict[str, int], scores: dict[str, int]) -> None:
    assert complete(tally, OPTIONS) == scores


@pytest.mark.parametrize(
    ("scores", "percents"),
    [({"a": 0, "b": 0}, [0, 0]), ({"a": 3, "b": 1}, [75, 25]), ({"a": 0, "b": 1}, [0, 100])],
)
def test_shares(scores: dict[str, int], percents: list[float]) -> None:
    assert bars(scores, OPTIONS) == [
        Bar("a", "Cats", scores["a"], percents[0]),
        Bar("b", "Dogs", scores["b"], percents[1]),
    ]
