"""Asking the runner of the backups, in its container on this node."""

import json
import shlex
from collections.abc import Callable, Iterator
from typing import Any

from deployment.configuration.layout import STACK
from deployment.engine.machine.engine import Client
from deployment.engine.swarm import nodes, services
from deployment.errors import DeployError

SERVICE = "backup"
RUNNING = {"label": f"com.docker.swarm.service.name={STACK}_{SERVICE}", "status": "running"}
PROGRAM = ("postgres-ha", "backup")


def listing(client: Client) -> dict[str, Any]:
    """Return the backups that there are; raise DeployError where nobody can say."""
    found: dict[str, Any] = json.loads("".join(output(client, "list")))
    return found


def now(kind: str) -> tuple[str, ...]:
    """Return the verb that makes a backup of a kind."""
    return ("now", "--type", kind)


def make(client: Client, kind: str) -> Iterator[dict[str, Any]]:
    """Have a backup made and yield how it comes on, at the end its label; raise DeployError if it fails."""
    for line in output(client, *now(kind)):
        yield json.loads(line)


def adoption(client: Client) -> dict[str, Any]:
    """Return whose the store is, and what it has; raise DeployError where nobody can say."""
    found: dict[str, Any] = json.loads("".join(output(client, "adopt", "possible")))
    return found


def adopt(client: Client) -> None:
    """Give the store to the database that serves, unless it has it; raise DeployError."""
    "".join(output(client, "adopt", "do"))


def output(client: Client, *verb: str) -> Iterator[str]:
    """Yield the lines that a verb of the runner's program prints; raise DeployError with its complaint."""
    started = client.api.exec_create(container(client, *verb), [*PROGRAM, *verb])
    complaint, rest = b"", b""
    for printed, errors in client.api.exec_start(started["Id"], stream=True, demux=True):
        complaint += errors or b""
        *lines, rest = (rest + (printed or b"")).split(b"\n")
        yield from (f"{line.decode()}\n" for line in lines)
    if client.api.exec_inspect(started["Id"])["ExitCode"] != 0:
        said = complaint.decode(errors="replace").strip().splitlines()
        reason = said[-1].removeprefix("ERROR: ") if said else "its container has ended"
        raise DeployError(
            f"The runner of the backups could not run `{' '.join(verb)}`: {reason}. "
            "What was in the store is as it was.",
            "Look at `python3 deploy.py logs backup` and `python3 deploy.py status`, then run this again.",
            said[:-1],
        )


def watched(client: Client, say: Callable[[str], None], *verb: str) -> tuple[str, list[str], int | None]:
    """Run a verb of the runner's program, saying its complaints; return its output, those, and its code.

    The code is None if its container has ended before. Raises DeployError where there is no runner here.
    """
    started = client.api.exec_create(container(client, *verb), [*PROGRAM, *verb])
    printed, complaint = b"", b""
    for out, errors in client.api.exec_start(started["Id"], stream=True, demux=True):
        printed += out or b""
        if errors:
            complaint += errors
            say(errors.decode(errors="replace").strip().splitlines()[-1] if errors.strip() else "")
    code = client.api.exec_inspect(started["Id"])["ExitCode"]
    return printed.decode(errors="replace"), complaint.decode(errors="replace").splitlines(), code


def container(client: Client, *verb: str) -> str:
    """Return the runner's container here; raise DeployError that says how to run a verb elsewhere."""
    for found in client.api.containers(filters=RUNNING):
        return str(found["Id"])
    if SERVICE not in {state.name for state in services.states(client)}:
        raise DeployError(
            "No backups are made: this stack has no store for them. Nothing was changed.",
            "Set BACKUP_STORE=volume, or s3 with what it needs (docs/backup.md), in stack/.env, then run "
            "`python3 deploy.py up`.",
        )
    hosts = {node.id: node.name for node in nodes.observe(client)}
    on = sorted({hosts.get(node, node) for node in services.running_on(client, SERVICE)})
    if on:
        raise DeployError(
            f"The runner of the backups is on another node: {', '.join(on)}.",
            "Run the same command there. It must be a manager."
            if verb[:1] in (("restore",), ("adopt",))
            else "Run the same command there, if it is a manager, or else in its container: docker exec "
            f"$(docker ps -qf name={STACK}_{SERVICE}.) {shlex.join((*PROGRAM, *verb))}",
        )
    raise DeployError(
        "The runner of the backups does not run.", "`python3 deploy.py status` says what is missing."
    )
