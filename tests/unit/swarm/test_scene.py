"""When a fault begins and ends, and from when all is whole again."""

from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest

from swarm.faults import disk, fault, rolling
from swarm.faults.fault import Scene


class Timed:
    """A clock, a cluster and its crowd: whatever is asked of the cluster takes a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def wait_healthy(self) -> float:
        """Find that all was whole 10 s after it was asked."""
        self.now += 13
        return self.now - 3

    def primary(self, cluster: str) -> str:
        return "redis-1"

    def __getattr__(self, name: str) -> Any:
        def act(*_: object, **__: object) -> Any:
            self.now += 1
            return SimpleNamespace(force_update=lambda: None)

        return act


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Timed:
    timed = Timed()
    monkeypatch.setattr(fault, "time", timed)
    return timed


@pytest.fixture
def scene(cluster: Timed) -> Scene:
    return Scene(cluster, cluster, ExitStack())  # type: ignore[arg-type]


def test_the_first_note_is_the_beginning_and_the_last_the_end(cluster: Timed, scene: Scene) -> None:
    for _ in range(3):
        cluster.sleep(5)
        scene.note("something")
    assert (scene.struck, scene.over, scene.whole) == (5, 15, None)


def test_a_strike_that_tidies_up_says_when_it_was_over(cluster: Timed, scene: Scene) -> None:
    scene.note("fill")
    cluster.sleep(40)
    scene.ended()
    scene.wait_whole()
    scene.note("give the disk back")
    assert (scene.struck, scene.over, scene.whole) == (0, 40, 50)


def test_a_further_step_ends_later_and_is_not_whole_yet(cluster: Timed, scene: Scene) -> None:
    scene.ended()
    scene.wait_whole()
    scene.ended()
    assert (scene.over, scene.whole) == (13, None)


def test_a_full_disk_is_over_when_there_is_room(
    cluster: Timed, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = SimpleNamespace(node=cluster, service="postgres-1")
    for role in ("postgres_standby", "postgres_primary"):
        monkeypatch.setattr(disk, role, lambda _: victim)
    monkeypatch.setattr(cluster, "name", "node-1", raising=False)
    with scene.heals:
        disk.full_disk(scene)
    assert scene.whole
    assert scene.whole - scene.over == 10
    assert scene.timeline[-1][0] > scene.whole


def test_a_rolling_update_is_over_when_the_last_task_was_replaced(
    cluster: Timed, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rolling, "wait_until", lambda *_: cluster.sleep(30))
    rolling.updating(rolling.redis)(scene)
    assert scene.whole
    assert scene.whole - scene.over == 10
    assert scene.over - scene.timeline[-1][0] >= 30


def test_a_service_without_data_recovers_after_its_update(
    cluster: Timed, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rolling, "wait_until", lambda *_: cluster.sleep(30))
    rolling.updating(rolling.only("vote"))(scene)
    assert (scene.over, scene.whole) == (31, None)
