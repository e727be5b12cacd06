from __future__ import annotations

import pytest

from result.history import Chart, Moment, chart, compact

OPTIONS = {"a": "Cats", "b": "Dogs"}


@pytest.mark.parametrize(
    ("moments", "columns"),
    [
        ([], {"at": [], "a": [], "b": []}),
        ([Moment(30, {"a": 1, "z": 9})], {"at": [30], "a": [1], "b": [0]}),
        ([Moment(30, {}), Moment(60, {"b": 2})], {"at": [30, 60], "a": [0, 0], "b": [0, 2]}),
    ],
)
def test_columns(moments: list[Moment], columns: dict[str, list[int]]) -> None:
    assert compact(moments, OPTIONS) == columns


@pytest.mark.parametrize(
    ("history", "scores", "drawn"),
    [
        pytest.param(
            {"at": [], "a": []}, {"a": 0}, Chart(1, {"a": "600,120"}), id="nothing but an empty present"
        ),
        pytest.param(
            {"at": [3600, *range(3630, 3840, 30), 5400], "a": [0, *[9] * 7, 2]},
            {"a": 4},
            Chart(4, {"a": "0,120 300,60 600,0"}),
            id="an hour, each eighth moment",
        ),
        pytest.param(
            {"at": [5400], "a": [1], "b": [8]},
            {"a": 2, "b": 4},
            Chart(8, {"a": "300,105 600,90", "b": "300,0 600,60"}),
            id="the highest was in the past",
        ),
    ],
)
def test_lines(history: dict[str, list[int]], scores: dict[str, int], drawn: Chart) -> None:
    assert chart(history, scores, 7200) == drawn
