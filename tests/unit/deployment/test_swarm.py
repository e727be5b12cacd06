"""A Swarm that cannot take the stack is refused before anything is changed."""

import pytest
from docker.errors import APIError

from deployment import down, swarm
from deployment.errors import DeployError
from deployment.nodes import Node

NODES = [Node("1", "node-1"), Node("2", "node-2", state="down")]


def test_several_nodes_need_a_registry() -> None:
    with pytest.raises(DeployError) as refused:
        swarm.require_way_for_images(NODES, "")
    assert "2 nodes and no registry" in refused.value.what
    assert "--registry" in refused.value.remedy


def test_one_node_or_a_registry_is_enough() -> None:
    swarm.require_way_for_images(NODES[:1], "")
    swarm.require_way_for_images(NODES, "registry.example.org")


def test_some_node_must_take_tasks() -> None:
    swarm.require_usable(NODES)
    with pytest.raises(DeployError):
        swarm.require_usable(NODES[1:])


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
