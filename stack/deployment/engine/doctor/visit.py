"""A service that lives for some seconds, to ask something where it runs."""

import inspect
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from types import ModuleType

import docker
from docker.errors import APIError, NotFound
from docker.types import (
    ContainerSpec,
    EndpointSpec,
    Healthcheck,
    Resources,
    RestartPolicy,
    ServiceMode,
    TaskTemplate,
)

from deployment.configuration.layout import STACK
from deployment.engine.swarm import services
from deployment.plan.cluster.topology import OBSERVER

LABEL = "vote-app.doctor"
MEMORY, GRACE_NANOSECONDS = 64 << 20, 10**9
# The image's own would look for another program, and keep the container from having a name until then.
NO_HEALTH_CHECK = Healthcheck(test=["NONE"])
# Whatever is older was left behind by one that was killed.
OLD_SECONDS = 300
NO_IMAGE = "no image of the stack is there to ask it with; after the first `up` it can be asked"


def image(client: docker.DockerClient) -> str:
    """Return the observer's image, which each node can get; the empty string without a stack."""
    found = [s for s in services.specifications(client) if s["Spec"]["Name"] == f"{STACK}_{OBSERVER}"]
    return str(found[0]["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"]) if found else ""


def probe(image: str, program: ModuleType, told: Sequence[str], network: str) -> TaskTemplate:
    """Return what runs a program of one module, which the image need not have; it is told its node's ID."""
    container = ContainerSpec(
        image, command=["python3", "-c", inspect.getsource(program)], args=list(told),
        env=["NODE={{.Node.ID}}"], read_only=True, stop_grace_period=GRACE_NANOSECONDS,
        healthcheck=NO_HEALTH_CHECK,
    )  # fmt: skip
    return TaskTemplate(
        container, restart_policy=RestartPolicy("none"), networks=[{"Target": network}],
        resources=Resources(mem_limit=MEMORY),
    )  # fmt: skip


def refusals(client: docker.DockerClient, service: str) -> dict[str, str]:
    """Return why tasks of a service did not run, e.g. an image that cannot be had, by their node's ID."""
    tasks = client.api.tasks(filters={"service": service})
    return {task["NodeID"]: task["Status"]["Err"] for task in tasks if task["Status"].get("Err")}


def new_name() -> str:
    """Return a name that no other visit has."""
    return f"{STACK}-doctor-{secrets.token_hex(4)}"


@contextmanager
def visit(
    client: docker.DockerClient,
    template: TaskTemplate,
    *,
    name: str = "",
    mode: str = "replicated",
    endpoint: EndpointSpec | None = None,
) -> Iterator[str]:
    """Run a service, and remove it whatever happens; raise APIError if the Swarm does not take it."""
    made = client.api.create_service(
        template, name=name or new_name(), labels={LABEL: "visit"}, mode=ServiceMode(mode),
        endpoint_spec=endpoint,
    )["ID"]  # fmt: skip
    try:
        yield str(made)
    finally:
        client.api.remove_service(made)


def listen(client: docker.DockerClient, service: str, take: Callable[[str], None]) -> None:
    """Hand over the lines that a service prints, until it is removed."""
    try:
        rest = b""
        for part in client.api.service_logs(service, stdout=True, follow=True, is_tty=False):
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                take(line.decode(errors="replace"))
    except (APIError, OSError, ValueError):
        return  # whoever was not heard until now was not heard


def tidy(client: docker.DockerClient) -> None:
    """Remove what a visit of before has left, as it was killed."""
    for service in client.api.services(filters={"label": LABEL}):
        if is_old(service["CreatedAt"], datetime.now(UTC)):
            client.api.remove_service(service["ID"])
    for network in client.api.networks(filters={"label": LABEL}):
        if is_old(network["Created"], datetime.now(UTC)):
            try:
                client.api.remove_network(network["Id"])
            except (NotFound, APIError):
                continue  # its last task is just going away: the next time


def is_old(made: str, now: datetime) -> bool:
    """Say whether a time of the Docker API is long past."""
    return (now - datetime.fromisoformat(made)).total_seconds() > OLD_SECONDS
