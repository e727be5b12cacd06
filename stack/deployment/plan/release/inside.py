"""Whether TLS is demanded inside, or used where both ends can: while a server is replaced that knows none.

The queue is wholly one or the other: what goes between its nodes cannot be half of each.
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from deployment.plan.release.release import Release, secret_variable

AUTHORITY = "inside_ca"
AUTHORITY_FILE = "/etc/ssl/inside_ca.pem"
# libpq's own words.
MODE, DEMANDED, OFFERED = "DATABASE_SSLMODE", "verify-full", "prefer"
QUEUE, YES, NO = "REDIS_TLS", "yes", "no"


class Server(NamedTuple):
    """A server that runs: the config with its authority, empty without one, and whether it demands TLS."""

    authority: str
    demands: bool


def of_specification(api: Mapping[str, Any]) -> Server:
    """Return what a service was told that the Docker API describes."""
    container = api["Spec"]["TaskTemplate"]["ContainerSpec"]
    mounted = {part["File"]["Name"]: str(part["ConfigName"]) for part in container.get("Configs") or ()}
    demands = {f"PGSSLMODE={DEMANDED}", f"{QUEUE}={YES}"} & set(container.get("Env") or ())
    return Server(mounted.get(AUTHORITY_FILE, ""), bool(demands))


def agreed(release: Release, running: Collection[Server]) -> Release:
    """Return a release that can take the place of what runs, one server of the database after the other."""
    own = _authority(release)
    if not own or all(server.authority == own for server in running):
        return release
    return release.having({MODE: OFFERED})


def deaf(release: Release, running: Collection[Server]) -> bool:
    """Say whether those that run demand TLS, of which the servers of a release know nothing."""
    return not _authority(release) and any(server.demands for server in running)


def queue(asked: str, running: Collection[Server]) -> str:
    """Say whether the queue speaks TLS: as asked, else as it does, else yes."""
    return asked or (NO if running and not any(server.demands for server in running) else YES)


def turned(release: Release, running: Collection[Server]) -> str:
    """Say how the queue of a release speaks otherwise than what runs; the empty string if it does not."""
    wanted = release.variables.get(QUEUE, NO) == YES
    if all(server.demands == wanted for server in running):
        return ""
    return "the queue changes to TLS" if wanted else "the queue changes to plain connections"


def _authority(release: Release) -> str:
    return release.variables.get(secret_variable(AUTHORITY), "")
