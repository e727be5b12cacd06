"""When a node may leave, and what that costs."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from deployment.configuration.layout import EDGE_LABEL, SLOT_LABELS
from deployment.errors import DeployError
from deployment.plan.cluster.convergence import ServiceState
from deployment.plan.cluster.picture import UNKNOWN, Picture, Postgres, Redis
from deployment.plan.cluster.rollout import View
from deployment.plan.swarm import departure
from deployment.plan.swarm.nodes import Node

ONE, TWO, THREE = SLOT_LABELS


def node(number: int, *labels: str, manager: bool = True, state: str = "ready") -> Node:
    return Node(str(number), f"node-{number}", state, manager=manager, labels=frozenset(labels))


THREE_NODES = [node(n, EDGE_LABEL, label) for n, label in enumerate(SLOT_LABELS, 1)]
TWO_NODES = [node(1, EDGE_LABEL, ONE, THREE), node(2, EDGE_LABEL, TWO)]
FREE = node(4, EDGE_LABEL)
PICTURE = Picture(1.0, Postgres("postgres-1"), Redis("redis-1"))


def test_a_node_is_known_by_its_name_or_its_id() -> None:
    twins = [*THREE_NODES, replace(THREE_NODES[0], id="9", state="down")]
    assert departure.named(THREE_NODES, "node-2") is departure.named(THREE_NODES, "2") is THREE_NODES[1]
    assert departure.named(twins, "9").state == "down"
    with pytest.raises(DeployError, match="2 nodes are called node-1"):
        departure.named(twins, "node-1")
    with pytest.raises(DeployError, match="no node node-7"):
        departure.named(twins, "node-7")


@pytest.mark.parametrize(
    ("nodes", "number", "absent", "reason"),
    [
        pytest.param(THREE_NODES, 1, (), None, id="one of three"),
        pytest.param(THREE_NODES, 1, ["redis-1"], None, id="what is away is its own"),
        pytest.param([*THREE_NODES, FREE], 4, ["redis-1"], None, id="one without a slot"),
        pytest.param(THREE_NODES, 1, ["redis-2"], "redis-2 is away already", id="a peer is away"),
        pytest.param(THREE_NODES, 1, ["Redis primary"], "Redis primary is away already", id="no primary"),
        pytest.param(TWO_NODES, 1, (), "carries the slots 1, 3", id="two slots"),
        pytest.param(TWO_NODES, 2, (), None, id="the other one of two"),
        pytest.param([node(1, EDGE_LABEL, *SLOT_LABELS)], 1, (), "is the only manager", id="alone"),
        pytest.param(
            [THREE_NODES[0], replace(THREE_NODES[1], availability="drain")],
            1, (), "is the only manager", id="the last that takes containers",
        ),
        pytest.param([node(1, EDGE_LABEL, ONE), node(2, TWO)], 1, (), "is the only edge", id="the last edge"),
    ],
)  # fmt: skip
def test_when_a_node_may_leave(
    nodes: Sequence[Node], number: int, absent: Sequence[str], reason: str | None
) -> None:
    leaving = departure.named(nodes, str(number))
    if reason is None:
        departure.require_dispensable(nodes, leaving, absent)
        return
    with pytest.raises(DeployError, match=reason):
        departure.require_dispensable(nodes, leaving, absent)


def test_what_a_drained_node_costs_is_said() -> None:
    assert "sentinel-2, redis-2, postgres-2 stand still" in departure.cost(THREE_NODES[1])[0]
    assert "no data node belongs to it" in departure.cost(FREE)[0]
    assert "backup stands still, too: only node-1" in departure.cost(THREE_NODES[0], ["backup"])[1]
    assert "is down: what runs there is not known" in departure.cost(replace(FREE, state="down"))[0]


@pytest.mark.parametrize(
    ("picture", "down", "waited_for"),
    [
        pytest.param(PICTURE, ["redis-2", "sentinel-2"], [], id="only what belongs to it is away"),
        pytest.param(PICTURE, ["redis-2", "vote"], ["vote"], id="a container that starts elsewhere"),
        pytest.param(Picture(1.0, redis=PICTURE.redis), [], ["PostgreSQL primary"], id="an election"),
        pytest.param(UNKNOWN, ["redis-2"], [], id="it was this manager, whose observer left, too"),
        pytest.param(UNKNOWN, ["vote"], ["vote"], id="the same, and a container starts"),
    ],
)
def test_what_is_waited_for_when_a_node_is_drained(
    picture: Picture, down: Sequence[str], waited_for: list[str]
) -> None:
    services = [ServiceState(name, int(name not in down), 1) for name in ("vote", "redis-2", "sentinel-2")]
    assert departure.unsettled(View(THREE_NODES, services, picture), THREE_NODES[1]) == waited_for


BACKUP = ServiceState("backup", 0, 1, labels=frozenset({ONE}))


@pytest.mark.parametrize(
    ("nodes", "number", "services", "alone"),
    [
        pytest.param(THREE_NODES, 1, [BACKUP], ["backup"], id="its label is on this node alone"),
        pytest.param(THREE_NODES, 2, [BACKUP], [], id="its label is elsewhere"),
        pytest.param([*THREE_NODES, node(4, ONE)], 1, [BACKUP], [], id="another node has it, too"),
        pytest.param(
            [*THREE_NODES, replace(node(4, ONE), availability="drain")],
            1, [BACKUP], ["backup"], id="another one has it, and is drained",
        ),
        pytest.param(THREE_NODES, 1, [replace(BACKUP, labels=frozenset())], [], id="any node may run it"),
        pytest.param(THREE_NODES, 1, [replace(BACKUP, name="redis-1")], [], id="a data node"),
    ],
)  # fmt: skip
def test_what_only_one_node_may_run_is_not_waited_for(
    nodes: Sequence[Node], number: int, services: Sequence[ServiceState], alone: list[str]
) -> None:
    leaving = departure.named(nodes, str(number))
    assert departure.pinned(services, nodes, leaving) == alone
    waited_for = [s.name for s in services if s.name not in (*alone, *departure.carried(leaving))]
    assert departure.unsettled(View(nodes, services, PICTURE), leaving) == waited_for


SLOT_3 = [ServiceState(name, 0, 1, labels=frozenset({THREE})) for name in ("postgres-3", "cellar")]


@pytest.mark.parametrize(
    ("third", "waited_for"),
    [
        pytest.param(THREE_NODES[2], ["postgres-3", "cellar"], id="their node takes containers"),
        pytest.param(replace(THREE_NODES[2], state="down"), [], id="away"),
        pytest.param(replace(THREE_NODES[2], availability="drain"), [], id="drained"),
        pytest.param(replace(THREE_NODES[2], labels=frozenset()), [], id="the slot is with nobody"),
    ],
)
def test_what_no_node_can_run_is_not_waited_for(third: Node, waited_for: list[str]) -> None:
    view = View([*THREE_NODES[:2], third, FREE], SLOT_3, PICTURE)
    assert departure.unsettled(view, FREE) == waited_for
    assert departure.pinned(SLOT_3, view.nodes, FREE) == []


def test_which_primaries_leave_with_a_node() -> None:
    primaries = {"redis": "redis-2", "postgres": "postgres-3"}
    assert departure.held(THREE_NODES[1], primaries) == ["redis"]
    assert departure.held(TWO_NODES[0], primaries) == ["postgres"]
    assert departure.held(FREE, {"redis": None}) == []


@pytest.mark.parametrize(
    ("placed", "worse"),
    [
        pytest.param({"vote": ["1", "2"]}, [], id="on two of three"),
        pytest.param({"vote": ["1", "1"], "worker": ["2", "2"]}, ["vote", "worker"], id="all on one"),
        pytest.param({"vote": ["1", "1", "2"]}, ["vote"], id="three on two of three"),
        pytest.param({"vote": ["1", "2", "3", "3"]}, [], id="one more somewhere"),
        pytest.param({"vote": []}, [], id="none"),
    ],
)
def test_which_services_are_spread_badly(placed: dict[str, list[str]], worse: list[str]) -> None:
    assert departure.lopsided(THREE_NODES, placed) == worse


def test_a_node_that_takes_nothing_is_no_place_to_spread_to() -> None:
    nodes = [THREE_NODES[0], replace(THREE_NODES[1], availability="drain")]
    assert departure.lopsided(nodes, {"vote": ["1", "1"]}) == []
