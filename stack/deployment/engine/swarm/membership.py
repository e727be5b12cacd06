"""The Swarm itself: is there one, and may we command it."""

import enum

import docker
from docker.errors import APIError

from deployment.engine.machine import advertise
from deployment.errors import DeployError

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
            "other nodes reach it, then run the same command again.",
        ) from error


def token(client: docker.DockerClient, role: str) -> str:
    """Return what a machine needs to join as a worker or a manager."""
    client.swarm.reload()
    return str(client.swarm.attrs["JoinTokens"][role.capitalize()])


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
