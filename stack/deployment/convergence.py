"""Is a release running? Every task of its specification healthy, nothing rolled back."""

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import docker
from docker.errors import APIError

from deployment import nodes, weaknesses
from deployment.errors import DeployError
from deployment.layout import NAMESPACE, STACK
from deployment.progress import Progress

# A task that has failed so often since the deployment began will not recover by itself.
FAILURES_ALLOWED = 5
# What no node takes stays so until somebody does something; a node that only restarts is back by then.
HOMELESS_SECONDS = 120
NO_NODE = "no suitable node"
POLL_SECONDS = 1.0
EVIDENCE_LINES = 20
# An unhealthy task that leaves cleanly is "complete", and has failed all the same.
ENDED = ("failed", "rejected", "complete")
# A task that waits for its predecessor to leave is wanted "ready" until then.
WANTED = ("ready", "running")
STOPPED = ("paused", "rollback_started", "rollback_completed", "rollback_paused")
# What Swarm replaces a task for.
SPECIFICATION = ("ContainerSpec", "Resources", "RestartPolicy", "Networks", "LogDriver", "ForceUpdate")

Api = dict[str, Any]


@dataclass(frozen=True)
class ServiceState:
    """How far one service has come.

    `failure` says why it will not arrive, `homeless` why no node takes a task of it.
    """

    name: str
    running: int
    desired: int
    updating: bool = False
    failure: str | None = None
    homeless: str | None = None

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
    return ServiceState(
        name=short_name(service),
        running=len(running),
        desired=_desired(service, tasks, ready),
        updating=update == "updating",
        failure=_failure(service, current, update, since),
        homeless=next((t["Status"]["Err"] for t in current if _homeless(t)), None),
    )


def short_name(service: Api) -> str:
    """Return the service's name without the stack's."""
    return str(service["Spec"]["Name"]).removeprefix(f"{STACK}_")


def _is_current(task: Api, service: Api) -> bool:
    wanted = service["Spec"]["TaskTemplate"]
    return all(task["Spec"].get(part) == wanted.get(part) for part in SPECIFICATION)


def _homeless(task: Api) -> bool:
    return task["Status"]["State"] == "pending" and NO_NODE in task["Status"].get("Err", "")


def _desired(service: Api, tasks: Sequence[Api], ready: Collection[str]) -> int:
    mode = service["Spec"]["Mode"]
    if "Replicated" in mode:
        return int(mode["Replicated"]["Replicas"])
    chosen = {task.get("NodeID") for task in tasks if task["DesiredState"] in WANTED}
    return max(1, len(chosen & set(ready)))


def _failure(service: Api, current: Sequence[Api], update: str, since: str) -> str | None:
    if update in STOPPED and service["UpdateStatus"].get("StartedAt", "") >= since:
        return f"{update.replace('_', ' ')}: {service['UpdateStatus'].get('Message', '')}"
    failed = [t for t in current if t["Status"]["State"] in ENDED and t["Status"]["Timestamp"] >= since]
    if len(failed) < FAILURES_ALLOWED:
        return None
    last = max(failed, key=lambda task: str(task["Status"]["Timestamp"]))
    return f"failed {len(failed)} times, last: {last['Status'].get('Err', 'no reason given')}"


def states(client: docker.DockerClient, *, since: str = "") -> list[ServiceState]:
    """Judge every service of the stack, in order of name."""
    label = {"label": NAMESPACE}
    services = client.api.services(filters=label)
    tasks = client.api.tasks(filters=label)
    ready = {node.id for node in nodes.observe(client) if node.ready}
    found = [assess(service, tasks, ready, since=since) for service in services]
    return sorted(found, key=lambda state: state.name)


def wait(client: docker.DockerClient, progress: Progress, *, since: str, timeout: float) -> None:
    """Wait until every service has converged.

    Raises DeployError with the last log lines of the service that will not, or did not within
    `timeout` seconds.
    """
    homeless_since = 0.0
    with progress.task("Waiting for every service to run and be healthy") as task:
        while waiting := [state for state in states(client, since=since) if not state.converged]:
            for state in waiting:
                if state.failure:
                    raise _gave_up(client, state, state.failure)
            homeless_since = homeless_since if all(s.homeless for s in waiting) else task.seconds
            if task.seconds - homeless_since > HOMELESS_SECONDS:
                raise _gave_up(client, waiting[0], str(waiting[0].homeless))
            if task.seconds > timeout:
                hint = weaknesses.ports(nodes.observe(client))
                raise _gave_up(client, waiting[0], f"not healthy after {timeout:.0f} s", hint)
            task.detail("waiting for " + ", ".join(f"{s.name} {s.running}/{s.desired}" for s in waiting))
            time.sleep(POLL_SECONDS)


def placements(client: docker.DockerClient) -> dict[str, list[str]]:
    """Return the nodes (by ID) that the running tasks of each service with several replicas are on."""
    label = {"label": NAMESPACE}
    several = {s["ID"]: short_name(s) for s in client.api.services(filters=label) if _replicas(s) > 1}
    found: dict[str, list[str]] = {name: [] for name in several.values()}
    for task in client.api.tasks(filters=label):
        if task["ServiceID"] in several and task["Status"]["State"] == task["DesiredState"] == "running":
            found[several[task["ServiceID"]]].append(task["NodeID"])
    return found


def _replicas(service: Api) -> int:
    return int((service["Spec"]["Mode"].get("Replicated") or {}).get("Replicas", 0))


def _gave_up(client: docker.DockerClient, state: ServiceState, reason: str, hint: str = "") -> DeployError:
    return DeployError(
        f"Service {state.name} does not run ({state.running}/{state.desired}): {reason}",
        f"Its last log lines are above; more: python3 deploy.py logs {state.name}. "
        f"Mend the cause and run `up` again. {hint}".rstrip(),
        last_lines(client, state.name),
    )


def last_lines(client: docker.DockerClient, name: str, number: int = EVIDENCE_LINES) -> list[str]:
    """Return the last lines of a service's log, or why there are none."""
    service = client.services.list(filters={"name": f"{STACK}_{name}"})[0]
    try:
        logs = b"".join(service.logs(stdout=True, stderr=True, tail=number))
    except (APIError, OSError) as error:  # its node may be away
        return [f"(no log: {error})"]
    return logs.decode(errors="replace").splitlines()[-number:]
