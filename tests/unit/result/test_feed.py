from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from structlog.testing import CapturingLogger

from result import feed as feed_module
from result.feed import Feed
from result.history import Moment
from result.scores import Reading

Said = list[tuple[str, Mapping[str, object]]]


@pytest.fixture
def said() -> Said:
    return []


@pytest.fixture
def feed(source: Any, said: Said) -> Feed:
    return Feed(source, {"a": "Cats", "b": "Dogs"}, lambda event, data: said.append((event, data)))


def test_scores_are_told_once_for_each_change(feed: Feed, source: Any, said: Said) -> None:
    for tally in ({}, {"a": 1}, {"a": 1}, {"a": 1, "b": 2}):
        source.reading = Reading(tally, 0.0)
        feed.turn()
    scores = [data for event, data in said if event == "scores"]
    assert scores == [{"a": 0, "b": 0}, {"a": 1, "b": 0}, {"a": 1, "b": 2}]


def test_viewers_hear_when_numbers_wait_and_when_they_are_live_again(
    feed: Feed, source: Any, said: Said
) -> None:
    for reading in (Reading({"a": 1}, 0.0), None, None, Reading({"a": 1}, 9.0), Reading({}, 0.0)):
        source.reading = reading
        feed.turn()
    states = [data["state"] for event, data in said if event == "status"]
    assert states == ["live", "waiting", "live"]


def test_why_the_database_is_away_is_logged_once_each_time_also_at_the_start(
    feed: Feed, source: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger = CapturingLogger()
    monkeypatch.setattr(feed_module, "log", logger)
    for reading in (None, None, Reading({}, 0.0), None, None):
        source.reading = reading
        feed.turn()
    assert [call.args for call in logger.calls if call.method_name == "warning"] == [("database away",)] * 2


def test_the_last_scores_are_kept_while_the_database_is_away(feed: Feed, source: Any) -> None:
    source.reading = Reading({"a": 5}, 0.0)
    feed.turn()
    source.reading = None
    feed.turn()
    assert feed.scores == {"a": 5, "b": 0}
    assert not feed.reachable


def test_history_is_told_once_for_each_change(
    feed: Feed, source: Any, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("result.feed.PAST_EVERY_SECONDS", 0)
    for moments in ([], [Moment(30, {"a": 1})], [Moment(30, {"a": 1})]):
        source.moments = moments
        feed.turn()
    told = [data for event, data in said if event == "history"]
    assert told == [{"at": [], "a": [], "b": []}, {"at": [30], "a": [1], "b": [0]}]


def test_history_is_not_read_at_every_turn(feed: Feed, source: Any) -> None:
    feed.turn()
    source.moments = [Moment(30, {"a": 1})]
    feed.turn()
    assert feed.history == {"at": [], "a": [], "b": []}


def test_scores_go_on_without_history(feed: Feed, source: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("result.feed.PAST_EVERY_SECONDS", 0)
    source.moments = [Moment(30, {"a": 1})]
    feed.turn()
    source.moments, source.reading = None, Reading({"a": 5}, 0.0)
    feed.turn()
    assert (feed.scores, feed.state.value, feed.reachable) == ({"a": 5, "b": 0}, "live", True)
    assert feed.history == {"at": [30], "a": [1], "b": [0]}


def test_test_votes_are_told_once_for_each_change_and_change_no_score(
    feed: Feed, source: Any, said: Said
) -> None:
    for probes in ([], ["x"], ["x"], ["y", "x"]):
        source.reading = Reading({"a": 1}, 0.0, probes)
        feed.turn()
    assert [data for event, data in said if event == "probe"] == [{"newest": ["x"]}, {"newest": ["y", "x"]}]
    assert [data for event, data in said if event == "scores"] == [{"a": 1, "b": 0}]
