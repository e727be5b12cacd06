"""The services of the stack: how far each has come, what it was told, and its last words."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import docker
from docker.errors import APIError

from deployment.configuration.layout import NAMESPACE, RELEASE_LABEL, STACK
from deployment.engine.swarm import nodes
from deployment.errors import DeployError
from deployment.plan.cluster.convergence import ServiceState, assess, failed, replicas, short_name
from deployment.plan.release import drift, formats, inside
from deployment.plan.release.formats import Formats
from deployment.plan.release.inside import Told

Api = Mapping[str, Any]
EVIDENCE_LINES = 20
# How tasks are that run no more.
GONE = ("complete", "shutdown", "failed", "rejected", "remove", "orphaned")


def states(client: docker.DockerClient, *, since: str = "") -> list[ServiceState]:
    """Judge every service of the stack, in order of name; failures count from `since` (RFC 3339)."""
    services = specifications(client)
    tasks = client.api.tasks(filters={"label": NAMESPACE})
    ready = {node.id for node in nodes.observe(client) if node.ready}
    found = [assess(service, tasks, ready, since=since) for service in services]
    return sorted(found, key=lambda state: state.name)


def specifications(client: docker.DockerClient) -> list[dict[str, Any]]:
    """Return every service of the stack as the Docker API describes it."""
    return list(client.api.services(filters={"label": NAMESPACE}))


def described(found: Iterable[Api]) -> dict[str, drift.Service]:
    """Return what services are that the Docker API describes, by name."""
    return {short_name(service): drift.described(service["Spec"]) for service in found}


def handed(found: Iterable[Api]) -> dict[str, str]:
    """Return the identity of the release that each service was handed with, by name."""
    return {
        short_name(service): str((service["Spec"].get("Labels") or {}).get(RELEASE_LABEL, ""))
        for service in found
    }


def formats_of(found: Iterable[Api]) -> list[Formats]:
    """Return what services read and write, also those releases that are on their way out."""
    return [each for service in found for each in formats.of_specification(short_name(service), service)]


def told(found: Iterable[Api]) -> dict[str, Told]:
    """Return what services were told of TLS, by name."""
    return {short_name(service): inside.of_specification(service) for service in found}


def placements(client: docker.DockerClient) -> dict[str, list[str]]:
    """Return the nodes (by ID) that the running tasks of each service with several replicas are on."""
    several = {s["ID"]: short_name(s) for s in specifications(client) if replicas(s) > 1}
    found: dict[str, list[str]] = {name: [] for name in several.values()}
    for task in client.api.tasks(filters={"label": NAMESPACE}):
        if task["ServiceID"] in several and task["Status"]["State"] == task["DesiredState"] == "running":
            found[several[task["ServiceID"]]].append(task["NodeID"])
    return found


def running_on(client: docker.DockerClient, name: str) -> list[str]:
    """Return the nodes (by ID) that running tasks of a service are on."""
    tasks = client.api.tasks(filters={"service": f"{STACK}_{name}", "desired-state": "running"})
    return [str(task["NodeID"]) for task in tasks if task["Status"]["State"] == "running"]


def living(client: docker.DockerClient, names: Collection[str]) -> list[str]:
    """Name those services of which a task has not ended, be it told to or not."""
    return sorted(_unended(client) & {*names})


def left_on(client: docker.DockerClient, node: str) -> list[str]:
    """Name the services of which a task on a node (by ID) has not ended, be it told to or not."""
    return sorted(_unended(client, node=node))


def _unended(client: docker.DockerClient, **where: str) -> set[str]:
    names = {service["ID"]: short_name(service) for service in specifications(client)}
    tasks = client.api.tasks(filters={"label": NAMESPACE, **where})
    living = {task["ServiceID"] for task in tasks if task["Status"]["State"] not in GONE}
    return {names[service] for service in living & names.keys()}


def place_anew(client: docker.DockerClient, name: str) -> None:
    """Let Swarm replace every task of a service, as in an update."""
    _service(client, name).force_update()


def set_replicas(client: docker.DockerClient, name: str, number: int) -> None:
    """Set how many tasks a service is to have; idempotent."""
    service = _service(client, name)
    if replicas(service.attrs) != number:
        service.scale(number)


def _service(client: docker.DockerClient, name: str) -> Any:
    found = client.services.list(filters={"name": f"{STACK}_{name}"})
    return next(service for service in found if service.name == f"{STACK}_{name}")


def require(client: docker.DockerClient, name: str) -> None:
    """Raise DeployError if the stack has no service of this name."""
    names = sorted(short_name(service) for service in specifications(client))
    if name not in names:
        raise DeployError(f"There is no service {name!r}.", "Choose one of: " + ", ".join(names))


def last_lines(client: docker.DockerClient, name: str, number: int = EVIDENCE_LINES) -> list[str]:
    """Return the last lines of a service's log, or why there are none."""
    found = client.services.list(filters={"name": f"{STACK}_{name}"})
    if not found:
        return [f"(there is no service {name})"]
    try:
        logs = b"".join(found[0].logs(stdout=True, stderr=True, tail=number))
    except (APIError, OSError) as error:  # its node may be away
        return [f"(no log: {error})"]
    return logs.decode(errors="replace").splitlines()[-number:]


def last_words(client: docker.DockerClient, name: str, since: str) -> list[str]:
    """Return the last lines of a service's log, and why its tasks ended since then (RFC 3339)."""
    tasks = client.api.tasks(filters={"service": f"{STACK}_{name}"})
    ended = {str(t["Status"]["Err"]) for t in tasks if t["Status"]["Timestamp"] >= since and failed(t)}
    return [*last_lines(client, name), *(f"(a task of {name} ended: {reason})" for reason in sorted(ended))]


def published_ports(client: docker.DockerClient, name: str) -> set[int]:
    """Return the ports that a service publishes on the nodes; none if there is no such service."""
    found = [s for s in specifications(client) if short_name(s) == name]
    ports = found[0]["Spec"].get("EndpointSpec", {}).get("Ports", []) if found else []
    return {int(port["PublishedPort"]) for port in ports}


def public(client: docker.DockerClient) -> bool:
    """Whether the stack that runs is served under names other than *.localhost."""
    rules = [
        str((s["Spec"].get("Labels") or {}).get("traefik.http.routers.vote.rule", ".localhost"))
        for s in specifications(client)
    ]
    return any(".localhost" not in rule for rule in rules)
