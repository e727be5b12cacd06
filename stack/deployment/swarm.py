"""The Swarm itself: is there one, may we command it, and which node carries what."""

import enum
import socket

import docker

from deployment.errors import DeployError
from deployment.layout import NODE_LABELS

# An address of the documentation range (RFC 5737): asking for the route to it sends nothing.
ELSEWHERE = ("192.0.2.1", 9)


class Membership(enum.Enum):
    """What this engine is in a Swarm."""

    NONE = "none"
    WORKER = "worker"
    MANAGER = "manager"


def membership(client: docker.DockerClient) -> Membership:
    """Return what this engine is in a Swarm; raise DeployError if the Swarm is locked or broken."""
    swarm = client.info()["Swarm"]
    state = swarm["LocalNodeState"]
    if state == "inactive":
        return Membership.NONE
    if state != "active":
        raise DeployError(
            f"This node's Swarm is {state}: {swarm.get('Error') or 'no reason given'}",
            "Mend it first (`docker swarm unlock`, or `docker info` for the reason).",
        )
    return Membership.MANAGER if swarm["ControlAvailable"] else Membership.WORKER


def require_manager(member: Membership, *, existing: bool = False) -> None:
    """Raise DeployError on a worker node and, where a Swarm must be `existing`, outside of any."""
    if existing and member is Membership.NONE:
        raise DeployError("This engine is in no Swarm, so no stack runs here.", "Run `up` first.")
    if member is Membership.WORKER:
        raise DeployError(
            "This node is a worker of a Swarm, and only a manager can deploy.",
            "Run the command on a manager node (`docker node ls` there lists them).",
        )


def initialise(client: docker.DockerClient) -> None:
    """Make this engine the first manager of a new Swarm."""
    client.swarm.init(advertise_addr=_own_address())


def _own_address() -> str:
    """Return the address other nodes would reach this one at: that of the default route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(ELSEWHERE)
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def missing_labels(client: docker.DockerClient) -> list[str]:
    """Return the placement labels that no node carries yet."""
    carried = {
        label
        for node in client.nodes.list()
        for label, value in (node.attrs["Spec"].get("Labels") or {}).items()
        if value == "true"
    }
    return [label for label in NODE_LABELS if label not in carried]


def add_labels(client: docker.DockerClient, labels: list[str]) -> None:
    """Give placement labels to this node; those that another node carries stay there."""
    node = client.nodes.get(client.info()["Swarm"]["NodeID"])
    specification = node.attrs["Spec"]
    carried = specification.get("Labels") or {}
    specification["Labels"] = carried | dict.fromkeys(labels, "true")
    node.update(specification)


def published_ports(client: docker.DockerClient, service: str) -> set[int]:
    """Return the ports that a service publishes on the nodes; none if there is no such service."""
    if membership(client) is not Membership.MANAGER:
        return set()
    found = client.services.list(filters={"name": service})
    ports = found[0].attrs["Spec"].get("EndpointSpec", {}).get("Ports", []) if found else []
    return {int(port["PublishedPort"]) for port in ports}
