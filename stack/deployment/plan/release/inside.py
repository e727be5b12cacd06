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
NOT_DEMANDED = (
    "The database still takes connections without TLS. "
    "After an upgrade from a release without it, run `up` again."
)
QUEUE, YES, NO = "REDIS_TLS", "yes", "no"


class Told(NamedTuple):
    """What a service was told: the config with its authority, empty without one, and if it demands TLS."""

    authority: str
    demands: bool


def of_specification(api: Mapping[str, Any]) -> Told:
    """Return what a service was told that the Docker API describes."""
    container = api["Spec"]["TaskTemplate"]["ContainerSpec"]
    mounted = {part["File"]["Name"]: str(part["ConfigName"]) for part in container.get("Configs") or ()}
    demands = {f"PGSSLMODE={DEMANDED}", f"{QUEUE}={YES}"} & set(container.get("Env") or ())
    return Told(mounted.get(AUTHORITY_FILE, ""), bool(demands))


def agreed(release: Release, running: Mapping[str, Told]) -> Release:
    """Return a release that can take the place of what runs, one service after the other.

    `running` are the services by name; those count that talk to the database, or are it.
    """
    own = _authority(release)
    if not own or all(told.authority == own for name, told in running.items() if _concerned(release, name)):
        return release
    return release.having({MODE: OFFERED})


def offered(release: Release) -> bool:
    """Say whether the database of a release takes connections without TLS, too."""
    return release.variables.get(MODE) == OFFERED


def unheard(release: Release, running: Collection[Told]) -> bool:
    """Say whether servers of a release could not talk to those that run and demand TLS."""
    return any(told.demands and told.authority != _authority(release) for told in running)


def queue(asked: str, running: Collection[Told]) -> str:
    """Say whether the queue speaks TLS: as asked, else as it does."""
    return asked or (YES if any(told.demands for told in running) else NO)


def turned(release: Release, running: Collection[Told]) -> str:
    """Say how the queue of a release speaks otherwise than what runs; the empty string if it does not."""
    wanted = release.variables.get(QUEUE, NO) == YES
    if all(told.demands == wanted for told in running):
        return ""
    return "the queue changes to TLS" if wanted else "the queue changes to plain connections"


def _authority(release: Release) -> str:
    return release.variables.get(secret_variable(AUTHORITY), "")


def _concerned(release: Release, name: str) -> bool:
    return "PGSSLMODE" in release.services.get(name, {}).get("environment", {})
