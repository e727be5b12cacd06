"""What a fault would cost is said before it happens."""

from dataclasses import replace

import pytest

from deployment.configuration.layout import EDGE_LABEL, SLOT_LABELS
from deployment.plan.swarm import weaknesses
from deployment.plan.swarm.nodes import Node

ONE, TWO, THREE = SLOT_LABELS
MOVE = "To move a slot"


def node(number: int, *labels: str, manager: bool = True, state: str = "ready") -> Node:
    return Node(str(number), f"node-{number}", state, manager=manager, labels=frozenset(labels))


def strong() -> list[Node]:
    return [node(n, EDGE_LABEL, label) for n, label in enumerate(SLOT_LABELS, 1)]


@pytest.mark.parametrize(
    ("given", "beginnings"),
    [
        pytest.param([], [], id="no Swarm"),
        pytest.param(
            [node(1, EDGE_LABEL, *SLOT_LABELS)], ["One machine: the stack does not"], id="one machine"
        ),
        pytest.param(strong(), [], id="three nodes"),
        pytest.param([*strong(), node(4, manager=False)], [], id="a fourth without anything"),
        pytest.param(
            [node(1, EDGE_LABEL, *SLOT_LABELS), node(2, EDGE_LABEL), node(3)],
            ["All three slots are on node-1: while it is away nobody can vote", MOVE],
            id="all slots on one of three",
        ),
        pytest.param(
            [node(1, EDGE_LABEL, ONE, THREE), node(2, EDGE_LABEL, TWO), node(3)],
            ["Two of the three slots are on node-1: while it is away no vote is acknowledged", MOVE],
            id="two of three nodes used",
        ),
        pytest.param(
            [node(1, EDGE_LABEL, ONE, THREE), node(2, EDGE_LABEL, TWO)],
            [
                "Two of the three slots are on node-1",
                "Three nodes with a slot each",
                "Two managers: while either",
            ],
            id="two nodes",
        ),
        pytest.param(
            [node(1, EDGE_LABEL, ONE), node(2, EDGE_LABEL, TWO)],
            [
                "No node carries slot 3: what belongs there cannot run. If `nodes move` was interrupted, run",
                "Two managers",
            ],
            id="a slot nowhere",
        ),
        pytest.param(
            [*strong()[:2], node(3, ONE, THREE)],
            [f"{ONE} is on node-1 and node-3: its parts may move"],
            id="a slot twice",
        ),
        pytest.param(
            [strong()[0], *(node(n, EDGE_LABEL, SLOT_LABELS[n - 1], manager=False) for n in (2, 3))],
            ["One manager: while node-1 is away, what runs goes on"],
            id="one manager",
        ),
        pytest.param(
            [strong()[0], node(2, TWO), node(3, THREE)], ["Only node-1 is an edge: while"], id="one edge"
        ),
        pytest.param(
            [*strong()[:2], replace(strong()[2], availability="drain")],
            ["node-3 is on drain: what belongs to its slot 3 does not run"],
            id="a drained slot",
        ),
        pytest.param(
            [
                strong()[0],
                *(replace(each, availability="drain", labels=frozenset()) for each in strong()[1:]),
            ],
            ["No node carries slot 2, 3", "Only node-1 is an edge"],
            id="two drained nodes",
        ),
        pytest.param(
            [
                node(1, ONE),
                node(2, TWO),
                node(3, THREE),
                Node("4", "edge", "ready", "drain", False, frozenset({EDGE_LABEL})),
            ],
            ["No active node is an edge"],
            id="a drained edge",
        ),
        pytest.param(
            [node(n, SLOT_LABELS[n - 1]) for n in (1, 2, 3)], ["No active node is an edge"], id="no edge"
        ),
    ],
)
def test_weaknesses(given: list[Node], beginnings: list[str]) -> None:
    said = weaknesses.of(given)
    assert [one[: len(beginning)] for one, beginning in zip(said, beginnings, strict=True)] == beginnings


def test_how_to_move_a_slot() -> None:
    given = [node(1, EDGE_LABEL, ONE, THREE), node(2, EDGE_LABEL, TWO), node(3, state="down"), node(4)]
    assert weaknesses.of(given)[1] == "To move a slot: `python3 deploy.py nodes move 3 node-4`."


@pytest.mark.parametrize(
    ("placed", "said"),
    [
        pytest.param({"vote": ["1", "2"], "result": ["2", "1"]}, [], id="spread"),
        pytest.param({"vote": ["1", "3"], "worker": ["1"]}, [], id="one task has no other place"),
        pytest.param(
            {"vote": ["1", "1"], "pgpool": ["2", "2"], "worker": ["1", "1", "1"]},
            [
                "Every pgpool runs on node-2: with it all are away for some seconds. "
                "Spread them: docker service update --force vote-app_pgpool",
                "Every vote and every worker runs on node-1: with it all are away for some seconds. "
                "Spread them: docker service update --force vote-app_vote && "
                "docker service update --force vote-app_worker",
            ],
            id="a node that came back has none",
        ),
        pytest.param({"vote": []}, [], id="nothing runs yet"),
    ],
)
def test_replicas_on_one_node_are_named(placed: dict[str, list[str]], said: list[str]) -> None:
    assert weaknesses.crowded(strong(), placed) == said
    assert weaknesses.crowded([strong()[0], node(2, state="down")], placed) == []


def test_mute_containers_lead_to_the_ports() -> None:
    """Seen with 4789/udp blocked: every task runs, and no peer on another node answers."""
    (said,) = weaknesses.mute(strong(), running=True, absent=["redis-2", "redis-3"])
    assert "redis-2, redis-3 cannot be heard" in said
    assert "4789/udp" in said
    assert "7946/tcp and udp" in said


@pytest.mark.parametrize(
    ("nodes", "running", "absent"),
    [(1, True, ["redis-2"]), (3, False, ["redis-2"]), (3, True, [])],
    ids=["one node", "something does not run", "nothing is missing"],
)
def test_other_reasons_do_not(nodes: int, running: bool, absent: list[str]) -> None:
    assert weaknesses.mute(strong()[:nodes], running, absent) == []
