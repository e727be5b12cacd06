"""`deploy.py lock` and `unlock`: nobody deploys, on any manager, until somebody says so."""

from deployment.engine.machine.engine import Client
from deployment.engine.records import turns
from deployment.engine.records.turns import Turn
from deployment.errors import DeployError
from deployment.operations.runner import lock, log
from deployment.operations.runner.turn import claim


def take(client: Client, message: str) -> str:
    """Take the lock and say so; raise DeployError if somebody has it."""
    with lock.held():  # a turn of this machine may be taken over only where no verb runs
        claim(client, "lock", message, print)
    log.note(client, "lock", message or "done")
    found = turns.read(client)
    return found.holder.sentence() if found else "Somebody has given the lock back already."


def give_back(client: Client, seen: Turn) -> str:
    """Give back the lock that was seen, whoever has it; raise DeployError if somebody has another by now."""
    now = turns.read(client)
    if now is None:
        return "Nobody has the lock any more."
    if now.id != seen.id:
        raise DeployError(
            f"Somebody else has the lock by now: {now.holder.sentence()}. Nothing was changed.",
            "If that one is to go, too, run the same command again.",
        )
    turns.give_back(client, seen.id)
    log.note(client, "unlock", f"until then {seen.holder.sentence()}")
    return f"Unlocked. Until now {seen.holder.sentence()}"
