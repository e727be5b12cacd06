"""Whether TLS is demanded inside, or used where both ends can: while a server is replaced that knows none."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from deployment.plan.release.release import Release, secret_variable

AUTHORITY = "inside_ca"
AUTHORITY_FILE = "/etc/ssl/inside_ca.pem"
# libpq's own words.
MODE, DEMANDED, OFFERED = "DATABASE_SSLMODE", "verify-full", "prefer"


class Server(NamedTuple):
    """A server that runs: the config with its authority, empty without one, and whether it demands TLS."""

    authority: str
    demands: bool


def of_specification(api: Mapping[str, Any]) -> Server:
    """Return what a service was told that the Docker API describes."""
    container = api["Spec"]["TaskTemplate"]["ContainerSpec"]
    mounted = {part["File"]["Name"]: str(part["ConfigName"]) for part in container.get("Configs") or ()}
    demands = f"PGSSLMODE={DEMANDED}" in (container.get("Env") or ())
    return Server(mounted.get(AUTHORITY_FILE, ""), demands)


def agreed(release: Release, running: Collection[Server]) -> Release:
    """Return a release that can take the place of what runs, one server after the other."""
    own = _authority(release)
    if not own or all(server.authority == own for server in running):
        return release
    return replace(release, variables={**release.variables, MODE: OFFERED})


def deaf(release: Release, running: Collection[Server]) -> bool:
    """Say whether those that run demand TLS, of which the servers of a release know nothing."""
    return not _authority(release) and any(server.demands for server in running)


def _authority(release: Release) -> str:
    return release.variables.get(secret_variable(AUTHORITY), "")
