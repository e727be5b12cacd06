"""`deploy.py lock` and `unlock`: nobody deploys, on any manager, until somebody says so."""

from deployment.engine.machine.engine import Client
from deployment.engine.swarm import turns
from deployment.operations.site import me, now
from deployment.operations.turn import refused
from deployment.plan.turns import Holder


def present(client: Client) -> Holder | None:
    """Return who has the lock."""
    found = turns.read(client)
    return found.holder if found else None


def take(client: Client, message: str) -> Holder:
    """Take the lock; raise DeployError if somebody has it."""
    holder = Holder(me(), "lock", now(), message)
    if turns.take(client, holder) is None:
        raise refused(turns.read(client))
    return holder


def give_back(client: Client) -> str:
    """Give the lock back, whoever has it; say what that changed."""
    found = turns.read(client)
    if found is None:
        return "Nobody has the lock."
    turns.give_back(client, found.id)
    return f"Unlocked. Until now {found.holder.sentence()}"
