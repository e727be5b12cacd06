"""`deploy.py secrets list`: which secrets there are, who reads them, since when, and how each is changed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from deployment.engine.machine.engine import Client
from deployment.engine.secrets import versions
from deployment.engine.swarm import services
from deployment.plan.cluster.convergence import short_name
from deployment.plan.release import rotation, secret_kinds
from deployment.plan.release.rotation import Version

# Another release made it.
UNKNOWN = "not known to this version"


@dataclass(frozen=True)
class Secret:
    """One secret as a user sees it; `since` and the times of `older` are RFC 3339."""

    key: str
    purpose: str
    readers: list[str]
    since: str
    older: list[str]
    underway: str
    way: str
    fixed: str  # why no command changes it


def listing(client: Client) -> list[Secret]:
    """Return every secret of the stack, in order of its key."""
    return described(versions.read(client), mounted(services.specifications(client)))


def mounted(specifications: Iterable[Mapping[str, Any]]) -> dict[str, set[str]]:
    """Return the services that mount each secret or config, by its name in the Swarm."""
    found: dict[str, set[str]] = {}
    for service in specifications:
        container = service["Spec"]["TaskTemplate"].get("ContainerSpec") or {}
        names = [part["SecretName"] for part in container.get("Secrets") or ()]
        names += [part["ConfigName"] for part in container.get("Configs") or ()]
        for name in names:
            found.setdefault(name, set()).add(short_name(service))
    return found


def described(found: Mapping[str, list[Version]], readers: Mapping[str, set[str]]) -> list[Secret]:
    """Describe secrets by their versions, the oldest first, and by who mounts which."""
    return [_described(key, found[key], readers) for key in sorted(found) if not key.endswith(rotation.OTHER)]


def _described(key: str, those: list[Version], readers: Mapping[str, set[str]]) -> Secret:
    *before, newest = those
    stage = newest.stage if key in rotation.underway({key: newest.stage}) else ""
    return Secret(
        key,
        secret_kinds.PURPOSES.get(key, UNKNOWN),
        sorted({name for version in those for name in readers.get(version.name, ())}),
        newest.created,
        [version.created for version in before if version.name in readers],
        stage,
        secret_kinds.way(key),
        secret_kinds.FIXED.get(key, ""),
    )
