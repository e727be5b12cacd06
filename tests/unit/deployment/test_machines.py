"""What a node is waited for when it leaves and comes back, and how often Swarm is asked to spread."""

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest
from docker import DockerClient

from deployment.configuration.settings import Settings
from deployment.engine.swarm import errand, services
from deployment.engine.swarm import nodes as engine_nodes
from deployment.errors import DeployError
from deployment.operations import switchover
from deployment.operations.nodes import drain as machines
from deployment.operations.nodes.drain import Active, Drained, Spread
from deployment.operations.runner import operation
from deployment.operations.runner.site import Site
from deployment.plan.cluster.convergence import ServiceState
from deployment.plan.cluster.picture import UNKNOWN, Picture, Postgres, Redis
from deployment.plan.cluster.rollout import View
from deployment.plan.cluster.topology import KINDS
from deployment.plan.swarm.nodes import Node
from deployment.progress import Progress

NODES = [Node(str(n), f"node-{n}", labels=frozenset({f"vote-app.slot-{n}"})) for n in (1, 2, 3)]
NAMES = ["vote", *(f"{kind}-{slot}" for kind in KINDS for slot in (1, 2, 3))]
PICTURE = Picture(
    1.0,
    Postgres("postgres-1", ("postgres-2", "postgres-3"), synchronous=True),
    Redis("redis-1", ("redis-2", "redis-3")),
)
MOVED = replace(
    PICTURE,
    postgres=Postgres("postgres-2", ("postgres-3",), synchronous=True),
    redis=Redis("redis-2", ("redis-3",)),
)
# The command runs on the second node.
HERE = cast(DockerClient, SimpleNamespace(info=lambda: {"Swarm": {"NodeID": NODES[1].id}}))
AWAY_3 = replace(
    PICTURE,
    postgres=Postgres("postgres-1", ("postgres-2",), synchronous=True),
    redis=Redis("redis-1", ("redis-2",)),
)


def view(picture: Picture, down: Sequence[str] = (), errands: int = 0) -> View:
    found = [ServiceState(name, int(name not in down), 1) for name in NAMES]
    return View(NODES, [*found, *[ServiceState("errand", 0, 1)] * errands], picture)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(Site, "nodes", property(lambda _: NODES))
    monkeypatch.setattr(machines, "SETTLED_SECONDS", 0)
    monkeypatch.setattr(operation, "PATIENCE_SECONDS", 0)
    monkeypatch.setattr("time.sleep", lambda _: None)
    return Site(Settings(), Progress(quiet=True), HERE, lambda _: None)


@pytest.mark.parametrize(
    ("seen", "waits"),
    [
        pytest.param(view(PICTURE), [], id="whole"),
        pytest.param(view(PICTURE, ["redis-2"]), ["wait for redis-2"], id="one of its own"),
        pytest.param(
            view(replace(PICTURE, redis=Redis("redis-1", ("redis-3",)))),
            ["wait for redis-2"],
            id="it runs, and does not follow yet",
        ),
        pytest.param(view(AWAY_3, ["postgres-3", "redis-3", "sentinel-3"]), [], id="another node is dead"),
        pytest.param(view(UNKNOWN), ["wait for an answer of the observer"], id="nobody can say"),
    ],
)
def test_a_node_that_is_back_is_waited_for_and_no_other(
    monkeypatch: pytest.MonkeyPatch, site: Site, seen: View, waits: list[str]
) -> None:
    monkeypatch.setattr(switchover, "look", lambda _: seen)
    assert Active(NODES[1]).missing(site) == waits


def test_nobody_waits_for_another_node_where_no_observer_will_ever_answer(
    monkeypatch: pytest.MonkeyPatch, site: Site
) -> None:
    monkeypatch.setattr(switchover, "look", lambda _: view(UNKNOWN))
    with pytest.raises(DeployError, match="Nothing was changed") as refused:
        Active(NODES[0]).missing(site)
    assert "another manager" in refused.value.remedy


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (view(PICTURE), "A primary has come to node-1 meanwhile"),
        (view(MOVED, ["redis-2", "sentinel-2", "postgres-2"]), "Nothing was changed"),
    ],
    ids=["a primary came back", "another node died"],
)
def test_what_has_changed_while_the_primaries_moved_keeps_a_node_from_being_drained(
    monkeypatch: pytest.MonkeyPatch, site: Site, seen: View, why: str
) -> None:
    drained: list[object] = []
    monkeypatch.setattr(errand, "remove", lambda _: None)
    monkeypatch.setattr(engine_nodes, "set_availability", lambda *told: drained.append(told))
    monkeypatch.setattr(switchover, "look", lambda _: seen)
    with pytest.raises(DeployError) as refused:
        Drained(NODES[0]).do(site)
    assert why in f"{refused.value.what} {refused.value.remedy}"
    assert drained == []


def test_what_a_killed_switchover_left_behind_holds_no_drain_up(
    monkeypatch: pytest.MonkeyPatch, site: Site
) -> None:
    errands = ["left behind"]
    monkeypatch.setattr(errand, "remove", lambda _: errands.clear())
    monkeypatch.setattr(engine_nodes, "set_availability", lambda *_: None)
    monkeypatch.setattr(services, "left_on", lambda *_: [])
    monkeypatch.setattr(switchover, "look", lambda _: view(PICTURE, errands=len(errands)))
    Drained(NODES[2]).do(site)
    assert errands == []


def test_a_runner_of_the_backups_that_no_other_node_may_run_holds_no_drain_up(
    monkeypatch: pytest.MonkeyPatch, site: Site
) -> None:
    runner = ServiceState("backup", 0, 1, labels=NODES[0].labels)
    there = view(MOVED, ["redis-1", "sentinel-1", "postgres-1"])
    monkeypatch.setattr(errand, "remove", lambda _: None)
    monkeypatch.setattr(engine_nodes, "set_availability", lambda *_: None)
    monkeypatch.setattr(services, "left_on", lambda *_: [])
    monkeypatch.setattr(services, "states", lambda _: [*there.services, runner])
    monkeypatch.setattr(switchover, "look", lambda _: replace(there, services=[*there.services, runner]))
    Drained(NODES[0]).do(site)
    assert any("No backup is made meanwhile" in line for line in machines.cost(site, "node-1"))


@pytest.mark.parametrize(
    ("places", "tries"),
    [
        pytest.param([["1", "2"]], 0, id="spread"),
        pytest.param([["1", "1"], ["1", "2"]], 1, id="Swarm does it at once"),
        pytest.param(
            [["1", "1"], ["2", "2"], ["1", "2"]], 2, id="both on the node that has come back, first"
        ),
        pytest.param([["1", "1"]], machines.TRIES, id="never"),
    ],
)
def test_services_are_spread_in_a_few_tries_and_left_then(
    monkeypatch: pytest.MonkeyPatch, site: Site, places: list[list[str]], tries: int
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(services, "placements", lambda _: {"vote": places[min(len(asked), len(places) - 1)]})
    monkeypatch.setattr(services, "place_anew", lambda _, name: asked.append(name))
    monkeypatch.setattr(services, "states", lambda _: [])
    assert operation.carry_out([Spread()], site) is (tries > 0)
    assert asked == ["vote"] * tries
