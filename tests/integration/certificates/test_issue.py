"""Certificates on three edges: the first one, and who gets it."""

from collections.abc import Iterator

import pytest

from kit.certificates import World, running_world
from kit.waiting import wait_until

EDGES = ("edge-1", "edge-2", "edge-3")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(tmp_path_factory.mktemp("certificates")) as made:
        yield made


def test_three_edges_get_one_certificate(world: World) -> None:
    for edge in EDGES:
        world.run_copy(edge)
        world.edges.run_edge(edge)
    world.lead_to(*EDGES)
    wait_until(
        lambda: all(world.edges.valid(edge, world.trusted()) for edge in EDGES),
        60,
        lambda: f"{world.edges.status()} {world.edges.logs('copy-edge-1')}",
    )
    serials = {shown.serial_number for edge in EDGES if (shown := world.edges.shown(edge))}
    assert len(serials) == 1
    assert len(world.edges.rows("SELECT * FROM certificates.orders")) == 1
