"""`deploy.py lock` and `unlock`: nobody deploys, on any manager, until somebody says so."""

from deployment.engine.machine.engine import Client
from deployment.engine.records import turns
from deployment.operations.runner import log
from deployment.operations.runner.turn import claim
from deployment.plan.turns import Holder


def present(client: Client) -> Holder | None:
    """Return who has the lock."""
    found = turns.read(client)
    return found.holder if found else None


def take(client: Client, message: str) -> str:
    """Take the lock and say so; raise DeployError if somebody has it."""
    claim(client, "lock", message, print)
    log.note(client, "lock", message or "done")
    found = present(client)
    return found.sentence() if found else "Somebody has given the lock back already."


def give_back(client: Client) -> str:
    """Give the lock back, whoever has it; say what that changed."""
    found = turns.read(client)
    if found is None:
        return "Nobody has the lock."
    turns.give_back(client, found.id)
    log.note(client, "unlock", f"until then {found.holder.sentence()}")
    return f"Unlocked. Until now {found.holder.sentence()}"
