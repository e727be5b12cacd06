"""The Swarm itself: is there one, may we command it, and which node carries what."""

import enum
from collections.abc import Sequence

import docker
from docker.errors import APIError

from deployment import advertise
from deployment.errors import DeployError
from deployment.nodes import Node

# What a manager says when too few of the others answer, or what its question to them ends in.
LEADERLESS = ("does not have a leader", "DeadlineExceeded", "deadline exceeded")


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


def initialise(client: docker.DockerClient, advertise_addr: str = "") -> None:
    """Make this engine the first manager of a new Swarm, which others reach at `advertise_addr`."""
    try:
        client.swarm.init(advertise_addr=advertise.address(client, advertise_addr))
    except APIError as error:
        raise DeployError(
            f"The engine made no Swarm: {error.explanation}",
            "Run `docker swarm init --advertise-addr ADDRESS` on its machine, with the address at which the "
            "other nodes reach it, then run `up` again.",
        ) from error


def leaderless(error: APIError) -> bool:
    """Whether a refusal means that the Swarm has no leader."""
    return any(sign in str(error.explanation or error) for sign in LEADERLESS)


def no_leader() -> DeployError:
    """Return the error of a Swarm that takes no command."""
    return DeployError(
        "The Swarm has no leader: half or more of its managers are away. What runs goes on, but nothing is "
        "repaired and no command is taken.",
        "Bring the other managers back. If they are gone for good, run on this node: "
        "docker swarm init --force-new-cluster",
    )


def require_way_for_images(nodes: Sequence[Node], registry: str) -> None:
    """Raise DeployError if there are other nodes, and no registry that they could get the images from."""
    if len(nodes) > 1 and not registry:
        raise DeployError(
            f"This Swarm has {len(nodes)} nodes and no registry is given: the other nodes could not get the "
            "images that are built here.",
            "Add --registry HOST[:PORT][/PATH], or set REGISTRY in stack/.env. To run one: "
            "`docker run -d --restart always -p 5000:5000 -v registry:/var/lib/registry registry:2`, then "
            "--registry ADDRESS-OF-THAT-MACHINE:5000",
        )


def require_usable(nodes: Sequence[Node]) -> None:
    """Raise DeployError if no node may be given tasks, or none of those that alone can carry a part."""
    if not any(node.usable for node in nodes):
        raise DeployError(
            "No node of the Swarm is both ready and active.",
            "`docker node ls` shows them; `docker node update --availability active NODE` undoes a drain.",
        )
    managers = [node for node in nodes if node.manager]
    _require_one(managers, "manager", "the edge knows the services through one on a manager")
    _require_one([node for node in nodes if node.edge], "edge", "the pages are served there and nowhere else")


def _require_one(those: Sequence[Node], kind: str, reason: str) -> None:
    """Raise DeployError if none of the nodes of a kind may be given tasks."""
    if any(node.usable for node in those):
        return
    listed = ", ".join(f"{node.name} {node.state} and {node.availability}" for node in those)
    undone = those[0].name if those else "NODE"
    raise DeployError(
        f"No {kind} node takes containers ({listed}), and the stack cannot do without: {reason}.",
        f"`docker node update --availability active {undone}` undoes a drain. To keep other work off a node, "
        "give that a placement constraint instead.",
    )


def published_ports(client: docker.DockerClient, service: str) -> set[int]:
    """Return the ports that a service publishes on the nodes; none if there is no such service."""
    if membership(client) is not Membership.MANAGER:
        return set()
    found = client.services.list(filters={"name": service})
    ports = found[0].attrs["Spec"].get("EndpointSpec", {}).get("Ports", []) if found else []
    return {int(port["PublishedPort"]) for port in ports}
