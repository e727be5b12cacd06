from __future__ import annotations

import time
from typing import Any

import pytest

from kit.exposition import told
from result.feed import Feed
from result.metrics import Figures, families
from result.scores import Reading
from result.watching import Watching


@pytest.mark.parametrize(
    ("viewers", "age", "pulse_age", "lines"),
    [
        (
            3,
            0.5,
            2.0,
            ["vote_app_viewers 3.0", "vote_app_result_age_seconds 0.5", "vote_app_pulse_age_seconds 2.0"],
        ),
        (0, 90.0, None, ["vote_app_viewers 0.0", "vote_app_result_age_seconds 90.0"]),
    ],
)
def test_a_pulse_that_nobody_has_seen_has_no_age(
    viewers: int, age: float, pulse_age: float | None, lines: list[str]
) -> None:
    assert told(families(viewers, age, pulse_age)) == lines


def test_numbers_grow_old_while_the_database_is_away(source: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    feed = Feed(source, {"a": "Cats"}, lambda *_: None)
    watching = Watching(dict, lambda *_: None)
    watching.arrive("viewer")

    def values(at: float, reading: Reading | None) -> list[float]:
        """Read at a time, and return the metrics half a second later."""
        now[0], source.reading = at, reading
        feed.turn()
        now[0] += 0.5
        return [float(line.split()[1]) for line in told(Figures(feed, watching).collect())]

    assert values(107.0, None) == [1, 7.5]
    assert values(110.0, Reading({}, None)) == [1, 0.5]
    assert values(120.0, Reading({}, 2.0)) == [1, 0.5, 2.5]
    assert values(130.0, None) == [1, 10.5, 12.5]
