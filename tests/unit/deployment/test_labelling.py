"""Labels are given to nodes and taken from them, and a node is removed: what the Swarm is told of it."""

from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import APIError, NotFound

from deployment.engine.swarm import nodes

LABEL = "vote-app.slot-3"


def answer(status: int) -> Any:
    return SimpleNamespace(status_code=status, url="nodes/1", reason="")


class Swarm:
    """A Swarm of one node, which keeps count of what it is told."""

    def __init__(self, labels: dict[str, str] | None, role: str = "worker", refusals: int = 0) -> None:
        self.specification: dict[str, Any] = {"Labels": labels, "Role": role}
        self.told: list[dict[str, Any]] = []
        self.refusals, self.removed = refusals, 0
        self.there = True
        self.nodes = self.api = self

    def get(self, identifier: str) -> Any:
        if not self.there:
            raise NotFound(f"node {identifier} not found", response=answer(404))
        return SimpleNamespace(attrs={"Spec": self.specification}, update=self.told.append)

    def remove_node(self, identifier: str, *, force: bool) -> None:
        assert force
        self.get(identifier)
        if self.refusals:
            self.refusals -= 1
            raise APIError("still a manager", response=answer(400))
        self.removed, self.there = self.removed + 1, False


@pytest.mark.parametrize("labels", [None, {}, {"other": "true"}])
def test_labels_are_added_and_taken_once(labels: dict[str, str] | None) -> None:
    swarm: Any = Swarm(labels)
    nodes.take_labels(swarm, "1", [LABEL])
    assert swarm.told == []
    nodes.add_labels(swarm, {"1": (LABEL,)})
    assert swarm.told[0]["Labels"] == {**(labels or {}), LABEL: "true"}
    swarm.specification = swarm.told.pop()
    nodes.add_labels(swarm, {"1": (LABEL,)})
    assert swarm.told == []
    nodes.take_labels(swarm, "1", [LABEL])
    assert swarm.told[0]["Labels"] == (labels or {})


@pytest.mark.parametrize("refusals", [0, 2])
@pytest.mark.parametrize("role", ["worker", "manager"])
def test_a_node_is_removed_once_its_place_as_a_manager_is_given_up(
    monkeypatch: pytest.MonkeyPatch, role: str, refusals: int
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    swarm: Any = Swarm({}, role, refusals)
    nodes.remove(swarm, "1")
    assert swarm.removed == 1
    assert [each["Role"] for each in swarm.told] == (["worker"] if role == "manager" else [])


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_node_that_somebody_else_removed_is_removed(monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    swarm: Any = Swarm({}, refusals=1)
    swarm.there = when == "meanwhile"
    monkeypatch.setattr("time.sleep", lambda _: setattr(swarm, "there", False))
    monkeypatch.setattr(nodes, "DEMOTED_SECONDS", 0.2)
    nodes.remove(swarm, "1")


def test_a_node_that_the_swarm_does_not_let_go_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr(nodes, "DEMOTED_SECONDS", 0.1)
    swarm: Any = Swarm({}, "manager", 10**9)
    with pytest.raises(APIError):
        nodes.remove(swarm, "1")
    assert not swarm.removed
