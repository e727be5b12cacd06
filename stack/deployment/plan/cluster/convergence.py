"""Is a release running? Every task of its specification healthy, nothing rolled back."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployment.configuration.layout import STACK

# A task that has failed so often since the deployment began will not recover by itself.
FAILURES_ALLOWED = 5
TIMEOUT_SECONDS = 600
# What no node takes stays so until somebody does something; a node that only restarts is back by then.
HOMELESS_SECONDS = 120
NO_NODE = "no suitable node"
# An unhealthy task that leaves cleanly is "complete", and has failed all the same.
ENDED = ("failed", "rejected", "complete")
# A task that waits for its predecessor to leave is wanted "ready" until then.
WANTED = ("ready", "running")
STOPPED = ("paused", "rollback_started", "rollback_completed", "rollback_paused")
# What the kernel says while it holds a mount: the engine could not start a container, and may soon.
BUSY = "device or resource busy"
# A label that a node must have to take a task of a service.
DEMANDED = re.compile(r"node\.labels\.(\S+)\s*==\s*true")
# What Swarm replaces a task for.
SPECIFICATION = ("ContainerSpec", "Resources", "RestartPolicy", "Networks", "LogDriver", "ForceUpdate")

Api = Mapping[str, Any]


@dataclass(frozen=True)
class ServiceState:
    """How far one service has come.

    `failure` says why it will not arrive, `busy` whether that is but a machine that could not start a
    container at that moment, `homeless` why no node takes a task of it.
    """

    name: str
    running: int
    desired: int
    updating: bool = False
    failure: str | None = None
    busy: bool = False
    homeless: str | None = None
    nodes: tuple[str, ...] = ()  # IDs of the nodes that its running tasks are on
    labels: frozenset[str] = frozenset()  # those that a node must have to take a task of it

    @property
    def converged(self) -> bool:
        """Whether all its tasks run its present specification."""
        return self.running == self.desired and not self.updating and self.failure is None


def assess(service: Api, tasks: Iterable[Api], ready: Collection[str], *, since: str = "") -> ServiceState:
    """Judge one service by its tasks, as the Docker API describes both.

    Only tasks of the service's present specification count, and only on the `ready` nodes (by ID): of
    a node that is away the Swarm goes on repeating what it last heard. `since` is the time (RFC 3339)
    from which failed tasks are counted.
    """
    tasks = [task for task in tasks if task["ServiceID"] == service["ID"]]
    current = [task for task in tasks if _is_current(task, service)]
    running = [
        t
        for t in current
        if t["Status"]["State"] == t["DesiredState"] == "running" and t.get("NodeID") in ready
    ]
    update = (service.get("UpdateStatus") or {}).get("State", "")
    failure = _failure(service, current, update, since)
    busy = bool(failure) and update in STOPPED and _busy(service, tasks, since)
    going_back = busy and update == "rollback_started"  # Swarm still changes the service
    return ServiceState(
        name=short_name(service),
        running=len(running),
        desired=_desired(service, tasks, ready),
        updating=update == "updating" or going_back,
        failure=None if going_back else failure,
        busy=busy and not going_back,
        homeless=next((t["Status"]["Err"] for t in current if _homeless(t)), None),
        nodes=tuple(str(task["NodeID"]) for task in running),
        labels=_labels(service),
    )


def short_name(service: Api) -> str:
    """Return the service's name without the stack's."""
    return str(service["Spec"]["Name"]).removeprefix(f"{STACK}_")


def _labels(service: Api) -> frozenset[str]:
    constraints = (service["Spec"]["TaskTemplate"].get("Placement") or {}).get("Constraints") or ()
    return frozenset(found[1] for each in constraints if (found := DEMANDED.fullmatch(each)))


def _is_current(task: Api, service: Api) -> bool:
    wanted = service["Spec"]["TaskTemplate"]
    return all(task["Spec"].get(part) == wanted.get(part) for part in SPECIFICATION)


def failed(task: Api) -> bool:
    """Whether a task ended with a reason given."""
    return task["Status"]["State"] in ENDED and bool(task["Status"].get("Err"))


def _homeless(task: Api) -> bool:
    return task["Status"]["State"] == "pending" and NO_NODE in task["Status"].get("Err", "")


def replicas(service: Api) -> int:
    """Return how many tasks a replicated service is to have; 0 for one that runs on every node that fits."""
    return int((service["Spec"]["Mode"].get("Replicated") or {}).get("Replicas", 0))


def _desired(service: Api, tasks: Sequence[Api], ready: Collection[str]) -> int:
    mode = service["Spec"]["Mode"]
    if "Replicated" in mode:
        return int(mode["Replicated"]["Replicas"])
    chosen = {task.get("NodeID") for task in tasks if task["DesiredState"] in WANTED}
    return max(1, len(chosen & set(ready)))


def _failure(service: Api, current: Sequence[Api], update: str, since: str) -> str | None:
    if update in STOPPED and service["UpdateStatus"].get("StartedAt", "") >= since:
        return f"{update.replace('_', ' ')}: {service['UpdateStatus'].get('Message', '')}"
    ended = [t for t in current if t["Status"]["State"] in ENDED and t["Status"]["Timestamp"] >= since]
    if len(ended) < FAILURES_ALLOWED:
        return None
    last = max(ended, key=lambda task: str(task["Status"]["Timestamp"]))
    return f"failed {len(ended)} times, last: {last['Status'].get('Err', 'no reason given')}"


def _busy(service: Api, tasks: Sequence[Api], since: str) -> bool:
    """Whether every task that failed in the last update did so as its machine was busy with a mount.

    Tasks of any specification count: Swarm may have gone back to the one before.
    """
    began = max(since, (service.get("UpdateStatus") or {}).get("StartedAt", ""))
    reasons = [t["Status"]["Err"] for t in tasks if failed(t) and t["Status"]["Timestamp"] >= began]
    return bool(reasons) and all(BUSY in reason for reason in reasons)


def hopeless(waiting: Sequence[ServiceState], homeless_seconds: float, seconds: float) -> str | None:
    """Say why those that are waited for will not arrive; None while they still may."""
    for state in waiting:
        if state.failure:
            return f"{_count(state)}: {state.failure}"
    if homeless_seconds > HOMELESS_SECONDS:
        return f"{_count(waiting[0])}: {waiting[0].homeless}"
    return f"{_count(waiting[0])}: not healthy after {seconds:.0f} s" if seconds > TIMEOUT_SECONDS else None


def _count(state: ServiceState) -> str:
    if state.running == state.desired:  # of the specification before, which Swarm took back
        return f"Service {state.name} does not run the new release"
    return f"Service {state.name} does not run ({state.running}/{state.desired})"
