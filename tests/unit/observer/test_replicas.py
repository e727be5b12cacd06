"""How many containers are wanted and run: tasks on nodes that are away do not count."""

from __future__ import annotations

from typing import Any

import pytest

from observer.replicas import NAMESPACE, Replicas, node_states, ready_by_name, replicas

Object = dict[str, Any]


def service(name: str, mode: Object, stack: str = "vote-app") -> Object:
    return {
        "ID": f"id-{name}",
        "Spec": {"Name": f"{stack}_{name}", "Labels": {NAMESPACE: stack}, "Mode": mode},
    }


def replicated(count: int) -> Object:
    return service("vote", {"Replicated": {"Replicas": count}})


def task(node: str, state: str = "running", desired: str = "running", name: str = "vote") -> Object:
    return {"ServiceID": f"id-{name}", "NodeID": node, "DesiredState": desired, "Status": {"State": state}}


def node(name: str, state: str = "ready", hostname: str = "") -> Object:
    return {"ID": name, "Description": {"Hostname": hostname or name}, "Status": {"State": state}}


GLOBAL = service("traefik", {"Global": {}})
ALL = [node("a"), node("b")]
WITHOUT_B = [node("a"), node("b", "down")]


@pytest.mark.parametrize(
    ("given", "tasks", "nodes", "counted"),
    [
        (replicated(2), [task("a"), task("b")], ALL, (2, 2)),
        # The engine would say 2: nobody has told it of the end.
        (replicated(2), [task("a"), task("b")], WITHOUT_B, (2, 1)),
        (replicated(2), [task("a"), task("b"), task("a")], WITHOUT_B, (2, 2)),
        (replicated(1), [task("b")], [node("b", "unknown")], (1, 0)),
        (replicated(1), [task("b")], [], (1, 0)),
        (replicated(2), [task("a"), task("b", "starting")], ALL, (2, 1)),
        (replicated(1), [task("a", "failed", "shutdown"), task("a", "ready", "ready")], ALL, (1, 0)),
        (replicated(1), [task("a", desired="shutdown"), task("b")], ALL, (1, 1)),
        (replicated(1), [{**task("a", "pending"), "NodeID": ""}], ALL, (1, 0)),
        (replicated(1), [task("a"), task("b", name="worker")], ALL, (1, 1)),
        (replicated(0), [], ALL, (0, 0)),
        (service("vote", {"Replicated": {}}), [], ALL, (0, 0)),
        (GLOBAL, [task("a", name="traefik"), task("b", name="traefik")], ALL, (2, 2)),
        (GLOBAL, [task("a", name="traefik"), task("b", name="traefik")], WITHOUT_B, (1, 1)),
        (
            GLOBAL,
            [task("a", "failed", "shutdown", "traefik"), task("a", "ready", "ready", "traefik")],
            ALL,
            (1, 0),
        ),
        (GLOBAL, [], ALL, (0, 0)),
    ],
)
def test_replicas(given: Object, tasks: list[Object], nodes: list[Object], counted: tuple[int, int]) -> None:
    (found,) = replicas("vote-app", [given], tasks, nodes).values()
    assert found == Replicas(*counted)


def test_services_of_other_stacks_and_of_none_are_not_counted() -> None:
    others = [service("db", {"Global": {}}, "shop"), {"ID": "x", "Spec": {"Name": "vote-app_db"}}]
    assert replicas("vote-app", [*others, replicated(1)], [], ALL) == {"vote": Replicas(1, 0)}


@pytest.mark.parametrize(
    ("nodes", "states", "ready"),
    [
        ([], {"ready": 0, "down": 0, "unknown": 0, "disconnected": 0}, {}),
        (WITHOUT_B, {"ready": 1, "down": 1, "unknown": 0, "disconnected": 0}, {"a": True, "b": False}),
        # A machine that joined anew: its former entry stays until somebody removes it.
        (
            [node("1", "down", "a"), node("2", "ready", "a"), node("3", "down", "a")],
            {"ready": 1, "down": 2, "unknown": 0, "disconnected": 0},
            {"a": True},
        ),
    ],
)
def test_nodes(nodes: list[Object], states: dict[str, int], ready: dict[str, bool]) -> None:
    assert node_states(nodes) == states
    assert ready_by_name(nodes) == ready
