"""Renewal of certificates that live for a minute and a half, while pages are visited."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from kit.acme_gate import NEW_ORDER
from kit.certificates import World, running_world
from kit.waiting import wait_until

EDGES = ("edge-1", "edge-2")
LIFE_SECONDS = 90
VISITS_PAUSE_SECONDS = 0.05


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(tmp_path_factory.mktemp("renewal"), LIFE_SECONDS) as made:
        made.run(*EDGES)
        made.lead_to(*EDGES)
        made.wait_valid(*EDGES)
        yield made


@contextmanager
def visited(world: World) -> Iterator[Counter[bool]]:
    """Visit every edge again and again; count the visits that found a valid certificate, and the others."""
    seen: Counter[bool] = Counter()
    over = threading.Event()

    def visit(edge: str) -> None:
        while not over.wait(VISITS_PAUSE_SECONDS):
            seen[world.edges.valid(edge, world.authority)] += 1

    visitors = [threading.Thread(target=visit, args=(edge,)) for edge in EDGES]
    for one in visitors:
        one.start()
    try:
        yield seen
    finally:
        over.set()
        for one in visitors:
            one.join()


def left_seconds(world: World) -> float:
    """Say how long the certificate that is stored lives."""
    end: datetime = world.edges.status()["not_after"]
    return (end - datetime.now(UTC)).total_seconds()


def test_no_visit_fails_whoever_is_away(world: World) -> None:
    """The authority comes back when a sixth of the life is left."""
    first, orders = world.edges.shown(EDGES[0]), world.gate.count(NEW_ORDER)
    with visited(world) as seen:
        world.gate.away = True
        wait_until(lambda: "does not answer" in world.edges.status()["problem"], LIFE_SECONDS)
        wait_until(lambda: left_seconds(world) < LIFE_SECONDS / 6, LIFE_SECONDS)
        world.gate.away = False
        wait_until(
            lambda: all(world.edges.shown(edge) not in {first, None} for edge in EDGES),
            LIFE_SECONDS,
            lambda: f"{world.edges.status()} {world.edges.logs('copy-edge-1')}",
        )
        wait_until(lambda: not world.edges.status()["problem"])
    assert seen[True] > 0
    assert seen[False] == 0
    assert world.gate.count(NEW_ORDER) == orders + 1
