from __future__ import annotations

import threading
from pathlib import Path

import pytest

from worker.patience import Patience, StoppingError, delay
from worker.stream import is_forgettable


@pytest.mark.parametrize(
    ("attempt", "chance", "seconds"),
    [
        (0, 0.0, 0.05),
        (0, 1.0, 0.1),
        (3, 1.0, 0.8),
        (5, 1.0, 1.0),
        (5, 0.0, 0.5),
        (10_000, 1.0, 1.0),
    ],
)
def test_delays_double_and_are_bounded(attempt: int, chance: float, seconds: float) -> None:
    assert delay(attempt, chance) == pytest.approx(seconds)


def test_the_heart_beats_while_waiting(tmp_path: Path) -> None:
    heartbeat = tmp_path / "heartbeat"
    Patience(threading.Event(), heartbeat).rest(lambda: 0.0)
    assert heartbeat.exists()


def test_a_stop_ends_the_wait(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(StoppingError):
        Patience(stop, tmp_path / "heartbeat").rest()


@pytest.mark.parametrize(
    ("name", "pending", "idle", "forgettable"),
    [
        ("dead", 0, 600_001, True),
        ("dead", 1, 600_001, False),
        ("alive", 0, 1000, False),
        ("me", 0, 600_001, False),
    ],
)
def test_only_the_long_dead_are_forgotten(name: str, pending: int, idle: int, forgettable: bool) -> None:
    assert is_forgettable(name, pending, idle, "me") is forgettable
