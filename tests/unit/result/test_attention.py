"""How often the tally is read, and that nobody who comes sees old numbers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from kit.waiting import wait_until
from result import attention as module
from result.attention import Attention

LONG = 30.0


@pytest.fixture(autouse=True)
def _long(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UNWATCHED_SECONDS", "WATCHED_SECONDS", "FRESH_SECONDS"):
        monkeypatch.setattr(module, name, LONG)


def run(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize("watched", [False, True])
def test_there_is_a_pause_for_those_who_watch_and_another_one_for_nobody(
    monkeypatch: pytest.MonkeyPatch, watched: bool
) -> None:
    monkeypatch.setattr(module, "WATCHED_SECONDS" if watched else "UNWATCHED_SECONDS", 0.0)
    began = time.monotonic()
    Attention(lambda: watched).rest()
    assert time.monotonic() - began < LONG


def test_who_has_just_come_is_taken_for_somebody_who_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WATCHED_SECONDS", 0.0)
    attention = Attention(lambda: False)
    attention.come()
    began = time.monotonic()
    attention.rest()
    assert time.monotonic() - began < LONG


def test_after_a_rest_all_who_come_wait_for_one_fresh_reading() -> None:
    attention, let_go, readings = Attention(lambda: False), threading.Event(), [0]

    def feed() -> None:
        attention.rest()
        assert let_go.wait(LONG)
        readings.append(1)
        attention.rest()

    seen: list[int] = []

    def look() -> None:
        attention.come()
        seen.append(readings[-1])

    reader = run(feed)
    wait_until(lambda: attention._resting)
    viewers = [run(look) for _ in range(3)]
    wait_until(lambda: not attention._read.is_set())
    assert not seen
    let_go.set()
    for viewer in viewers:
        viewer.join(LONG / 2)
    assert seen == [1, 1, 1]
    assert reader.is_alive()


def test_who_comes_after_a_rest_that_nobody_ended_waits_for_the_reading_that_has_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "UNWATCHED_SECONDS", 0.0)
    attention, seen = Attention(lambda: False), list[str]()
    attention.rest()

    def look() -> None:
        attention.come()
        seen.append("look")

    viewer = run(look)
    wait_until(lambda: attention._until > 0)
    seen.append("reading")
    run(attention.rest)
    viewer.join(LONG / 2)
    assert seen == ["reading", "look"]


def test_a_reading_that_does_not_come_holds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FRESH_SECONDS", 0.01)
    attention = Attention(lambda: False)
    run(attention.rest)
    wait_until(lambda: attention._resting)
    began = time.monotonic()
    attention.come()
    assert time.monotonic() - began < LONG
