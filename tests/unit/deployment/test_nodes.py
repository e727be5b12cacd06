"""Which labels go to which node."""

import pytest

from deployment.configuration.layout import EDGE_LABEL, SLOT_LABELS
from deployment.plan.swarm import nodes, placement
from deployment.plan.swarm.nodes import Node

ONE, TWO, THREE = SLOT_LABELS


def node(number: int, *labels: str, state: str = "ready", availability: str = "active") -> Node:
    return Node(str(number), f"node-{number}", state, availability, labels=frozenset(labels))


@pytest.mark.parametrize(
    ("given", "added"),
    [
        pytest.param([], {}, id="no node"),
        pytest.param([node(1)], {"1": (EDGE_LABEL, ONE, TWO, THREE)}, id="one node gets all"),
        pytest.param(
            [node(1), node(2)], {"1": (EDGE_LABEL, ONE, THREE), "2": (EDGE_LABEL, TWO)}, id="two nodes"
        ),
        pytest.param(
            [node(3), node(1), node(2)],
            {"1": (EDGE_LABEL, ONE), "2": (EDGE_LABEL, TWO), "3": (EDGE_LABEL, THREE)},
            id="three nodes, in order of name",
        ),
        pytest.param(
            [node(1), node(2), node(3), node(4)],
            {"1": (EDGE_LABEL, ONE), "2": (EDGE_LABEL, TWO), "3": (EDGE_LABEL, THREE), "4": (EDGE_LABEL,)},
            id="a fourth is an edge",
        ),
        pytest.param([node(1, EDGE_LABEL, *SLOT_LABELS), node(2), node(3)], {}, id="what is there stays"),
        pytest.param(
            [node(1, EDGE_LABEL, ONE), node(2, TWO), node(3)], {"3": (THREE,)}, id="to the emptiest node"
        ),
        pytest.param([node(1, EDGE_LABEL, ONE, TWO), node(2)], {"2": (THREE,)}, id="the second of two"),
        pytest.param(
            [node(1, EDGE_LABEL, ONE), node(2, TWO), node(3, THREE, state="down")],
            {},
            id="a slot stays with a node that is down",
        ),
        pytest.param(
            [node(1, EDGE_LABEL), node(2, state="down"), node(3, availability="drain")],
            {"1": SLOT_LABELS},
            id="only ready and active nodes",
        ),
        pytest.param([node(1, state="unknown"), node(2, availability="pause")], {}, id="nowhere to go"),
        pytest.param([node(1, *SLOT_LABELS)], {"1": (EDGE_LABEL,)}, id="an edge is missing"),
    ],
)
def test_spread(given: list[Node], added: dict[str, tuple[str, ...]]) -> None:
    assert placement.spread(given) == added
    assert placement.spread(placement.labelled(given, added)) == {}


def test_a_node_of_the_api() -> None:
    described = {
        "ID": "abc",
        "Description": {"Hostname": "node-1"},
        "Spec": {
            "Role": "manager",
            "Availability": "drain",
            "Labels": {ONE: "true", TWO: "false", "rack": "true"},
        },
        "Status": {"State": "down"},
    }
    found = nodes.from_api(described)
    assert found == Node("abc", "node-1", "down", "drain", manager=True, labels=frozenset({ONE}))
    assert (found.slots, found.edge, found.ready, found.usable) == ((1,), False, False, False)


@pytest.mark.parametrize(
    ("status", "manager", "address"),
    [
        ({"Addr": "10.0.0.2"}, None, "10.0.0.2"),
        ({"Addr": "0.0.0.0"}, {"Addr": "10.0.0.1:2377"}, "10.0.0.1"),
        ({"Addr": "fd00::1"}, {"Addr": "[fd00::1]:2377"}, "fd00::1"),
        ({}, None, ""),
    ],
    ids=["a worker", "a manager knows its own", "IPv6", "not known"],
)
def test_where_a_node_is_reached(
    status: dict[str, str], manager: dict[str, str] | None, address: str
) -> None:
    described = {"ID": "a", "Spec": {}, "Status": {"State": "ready", **status}, "ManagerStatus": manager}
    assert nodes.from_api(described).address == address
