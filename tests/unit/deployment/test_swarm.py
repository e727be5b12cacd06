"""A Swarm that cannot take the stack is refused before anything is changed."""

import pytest
from docker.errors import APIError

from deployment.configuration.layout import EDGE_LABEL
from deployment.engine.swarm import membership as swarm
from deployment.errors import DeployError
from deployment.operations import down
from deployment.plan.swarm import placement
from deployment.plan.swarm.nodes import Node

NODES = [Node("1", "node-1"), Node("2", "node-2", state="down")]


def test_several_nodes_need_a_registry() -> None:
    with pytest.raises(DeployError) as refused:
        placement.require_way_for_images(NODES, "")
    assert "2 nodes and no registry" in refused.value.what
    assert "--registry" in refused.value.remedy


def test_one_node_or_a_registry_is_enough() -> None:
    placement.require_way_for_images(NODES[:1], "")
    placement.require_way_for_images(NODES, "registry.example.org")


def node(
    number: int,
    availability: str = "active",
    *,
    state: str = "ready",
    manager: bool = True,
    edge: bool = True,
) -> Node:
    labels = frozenset({EDGE_LABEL}) if edge else frozenset()
    return Node(str(number), f"node-{number}", state, availability, manager, labels)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param([node(1)], id="one node"),
        pytest.param([node(1, "drain"), node(2), node(3, state="down")], id="one of three managers"),
        pytest.param([node(1, edge=False), node(2, manager=False)], id="a manager, and an edge elsewhere"),
    ],
)
def test_the_stack_has_a_place(given: list[Node]) -> None:
    placement.require_usable(given)


@pytest.mark.parametrize(
    ("given", "complaint", "undone"),
    [
        pytest.param([node(1, state="down")], "No node of the Swarm", "NODE", id="no node"),
        pytest.param(
            [node(1, "drain"), node(2, manager=False)],
            "No manager node takes containers (node-1 ready and drain)",
            "node-1",
            id="all managers drained",
        ),
        pytest.param(
            [node(1, edge=False), node(2, "pause", manager=False)],
            "No edge node takes containers (node-2 ready and pause)",
            "node-2",
            id="all edges paused",
        ),
    ],
)
def test_a_swarm_without_a_place_for_some_part_is_refused(
    given: list[Node], complaint: str, undone: str
) -> None:
    with pytest.raises(DeployError) as refused:
        placement.require_usable(given)
    assert complaint in refused.value.what
    assert f"python3 deploy.py nodes activate {undone}`" in refused.value.remedy


@pytest.mark.parametrize(
    ("explanation", "leaderless"),
    [
        ("rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that", True),
        ("rpc error: code = DeadlineExceeded desc = context deadline exceeded", True),
        ("network vote-app_data not found", False),
    ],
)
def test_no_leader(explanation: str, leaderless: bool) -> None:
    assert swarm.leaderless(APIError("500 Server Error", explanation=explanation)) == leaderless


def test_volumes_of_other_nodes_are_named() -> None:
    assert down.farewell([], volumes=True) == ["The stack is down, its data is gone."]
    assert down.farewell(["node-2"], volumes=False) == ["The stack is down: its data stays in its volumes."]
    first, second = down.farewell(["node-2", "node-3"], volumes=True)
    assert "those on node-2, node-3 are not" in first
    assert "xargs -r docker volume rm" in second
