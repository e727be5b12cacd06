"""How many containers of each service are wanted and run, by what a manager's engine says.

The engine itself counts a task as running until somebody says otherwise, so also on a node that is gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

Described = Mapping[str, Any]
"""A service, a task or a node, as the Docker API gives it."""

STATES = ("ready", "down", "unknown", "disconnected")
READY, RUNNING = "ready", "running"
# Of a task that is to run, or that is to as soon as the one before it has ended.
WANTED = {"ready", "running"}
NAMESPACE = "com.docker.stack.namespace"


class Replicas(NamedTuple):
    """How many tasks of a service are wanted, and how many run on nodes that are ready."""

    desired: int
    running: int


def replicas(
    stack: str, services: Iterable[Described], tasks: Iterable[Described], nodes: Iterable[Described]
) -> dict[str, Replicas]:
    """Return the replicas of a stack's services, by names without the stack's."""
    ready = {node["ID"] for node in nodes if node["Status"]["State"] == READY}
    alive = [task for task in tasks if task.get("NodeID") in ready and task["DesiredState"] in WANTED]
    return {
        service["Spec"]["Name"].removeprefix(f"{stack}_"): Replicas(
            _desired(service, alive), sum(_runs(task) for task in alive if _of(task, service))
        )
        for service in services
        if service["Spec"].get("Labels", {}).get(NAMESPACE) == stack
    }


def node_states(nodes: Iterable[Described]) -> dict[str, int]:
    """Count the nodes by state; the usual states are there with 0, too."""
    found = Counter(node["Status"]["State"] for node in nodes)
    return {**dict.fromkeys(STATES, 0), **found}


def ready_by_name(nodes: Iterable[Described]) -> dict[str, bool]:
    """Say of each machine whether it is ready: one that joined anew has its former entry beside it."""
    found: dict[str, bool] = {}
    for node in nodes:
        name = node["Description"]["Hostname"]
        found[name] = found.get(name, False) or node["Status"]["State"] == READY
    return found


def _desired(service: Described, alive: Iterable[Described]) -> int:
    """Return what a service asks for; a global one has a task on each node that it may run on."""
    mode = service["Spec"]["Mode"]
    if "Replicated" in mode:
        return int(mode["Replicated"].get("Replicas", 0))
    return len({task["NodeID"] for task in alive if _of(task, service)})


def _of(task: Described, service: Described) -> bool:
    return bool(task["ServiceID"] == service["ID"])


def _runs(task: Described) -> bool:
    return bool(task["DesiredState"] == task["Status"]["State"] == RUNNING)
