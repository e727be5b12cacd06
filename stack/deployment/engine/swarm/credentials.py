"""Passwords and certificates as Swarm secrets: made once, never printed, never read back."""

import base64
import hashlib
import secrets
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import docker
from docker.errors import APIError, NotFound
from docker.models.resource import Model

from deployment.configuration.layout import LOCAL_CA_FILE, NAMESPACE_LABEL, SECRET_LABEL, STACK
from deployment.engine.machine import engine
from deployment.engine.swarm import certificates
from deployment.errors import DeployError
from deployment.plan.release import entrance
from deployment.plan.release.entrance import Entrance
from deployment.plan.release.release import Release

# A secret or a config, as the library has it.
Item: TypeAlias = Model

PASSWORDS = (
    "postgres_password",
    "postgres_repmgr_password",
    "postgres_pgpool_password",
    "postgres_worker_password",
    "postgres_result_password",
    "postgres_observer_password",
    "postgres_agent_token",
    "redis_ballot_password",
    "redis_vote_password",
    "redis_worker_password",
    "redis_observer_password",
    "redis_replica_password",
    "redis_sentinel_password",
    "redis_proxy_password",
    "voter_cookie_key",
)
TLS = ("tls_certificate", "tls_key")
# What a user has in a file of their own.
GIVEN = ("dashboard_users",)
# The data are of no use without them: the accounts in the database, and what tells one voter from another.
# Not the observer's: a primary gives its account the password of today.
BOUND_TO_DATA = (
    "postgres_password",
    "postgres_repmgr_password",
    "postgres_pgpool_password",
    "postgres_worker_password",
    "postgres_result_password",
    "voter_cookie_key",
)
HOSTS_LABEL = "vote-app.hosts"
AUTHORITY = "local_ca"
PASSWORD_BYTES = 32
# An `up` within the last hundred days of a certificate renews it.
RENEW_AFTER = certificates.VALID_FOR - timedelta(days=100)


def observe(
    client: docker.DockerClient, hosts: tuple[str, str], given: Mapping[str, bytes]
) -> dict[str, str]:
    """Return the Swarm names of the secrets that are there, by key.

    A TLS pair counts only if it was issued for exactly these hosts, not too long ago, and its
    authority, a config, is still there to be trusted. Of several versions of one key the newest is meant, or
    that of what is `given`.
    """
    found: dict[str, str] = {}
    oldest = (datetime.now(UTC) - RENEW_AFTER).isoformat()
    exact = {_name(key, content) for key, content in given.items()}
    for secret in sorted(client.secrets.list(), key=lambda item: (item.name in exact, _created(item))):
        labels: Mapping[str, str] = secret.attrs["Spec"].get("Labels") or {}
        key = labels.get(SECRET_LABEL, "")
        fits = labels.get(HOSTS_LABEL) == ",".join(hosts) and _created(secret) > oldest
        if key in (*PASSWORDS, *GIVEN) or (key in TLS and fits):
            found[key] = secret.name
    if authority := _authority(client, hosts):
        return found | {AUTHORITY: authority.name}
    return {key: name for key, name in found.items() if key not in TLS}


def missing(found: Mapping[str, str], given: Mapping[str, bytes]) -> list[str]:
    """Return the keys that still have to be made; the TLS pair is made together or not at all."""
    absent = [key for key in PASSWORDS if key not in found]
    absent += list(TLS) if any(key not in found for key in TLS) else []
    return absent + [key for key, content in given.items() if found.get(key) != _name(key, content)]


def check_volumes(client: docker.DockerClient, found: Mapping[str, str]) -> None:
    """Raise DeployError if data of an earlier stack is here whose passwords are lost.

    Another account that is missing is new in this release: it is made.
    """
    lost = [key for key in missing(found, {}) if key in BOUND_TO_DATA]
    kept = [v.name for v in client.volumes.list() if str(v.name).startswith(f"{STACK}_postgres-")]
    if lost and kept:
        raise DeployError(
            f"Data of an earlier stack is here ({', '.join(sorted(kept))}), but its passwords are not: "
            f"the Swarm that held {lost[0]} is gone.",
            "To start anew and delete that data: `python3 deploy.py down --volumes` in a Swarm, or "
            f"`docker volume rm $(docker volume ls -qf name={STACK}_)`; to keep it, move it away first.",
        )


def create(
    client: docker.DockerClient, keys: list[str], hosts: tuple[str, str], given: Mapping[str, bytes]
) -> dict[str, str]:
    """Make the secrets of `keys` and return their Swarm names by key."""
    names = {}
    for key in keys:
        if key in PASSWORDS:
            names[key] = _store(client, key, secrets.token_urlsafe(PASSWORD_BYTES).encode(), {})
        elif key in given:
            names[key] = _store(client, key, given[key], {})
    if TLS[0] in keys:
        names |= _create_tls(client, hosts)
    return names


def _create_tls(client: docker.DockerClient, hosts: tuple[str, str]) -> dict[str, str]:
    made = certificates.issue(hosts)
    labels = {HOSTS_LABEL: ",".join(hosts)}
    authority = _name(AUTHORITY, made.authority)
    client.configs.create(name=authority, data=made.authority, labels={SECRET_LABEL: AUTHORITY, **labels})
    return {
        AUTHORITY: authority,
        "tls_certificate": _store(client, "tls_certificate", made.chain, labels),
        "tls_key": _store(client, "tls_key", made.key, labels),
    }


def _store(client: docker.DockerClient, key: str, value: bytes, labels: dict[str, str]) -> str:
    name = _name(key, value)
    client.secrets.create(name=name, data=value, labels={SECRET_LABEL: key, **labels})
    return name


def _name(key: str, value: bytes) -> str:
    return f"{STACK}_{key}_{hashlib.sha256(value).hexdigest()[:12]}"


def authority(client: docker.DockerClient, hosts: tuple[str, str]) -> str:
    """Return the public certificate of the local CA, as PEM; the empty string without one."""
    config = _authority(client, hosts)
    return base64.b64decode(config.attrs["Spec"]["Data"]).decode() if config else ""


def entrance_of(client: docker.DockerClient, release: Release) -> Entrance:
    """Return how visitors reach the pages of a release, and whom they have to trust."""
    return entrance.of(release, authority(client, release.hosts))


def save_authority(client: docker.DockerClient, hosts: tuple[str, str], path: Path) -> None:
    """Write the public certificate of the local CA to a file, for the user to trust."""
    certificate = authority(client, hosts)
    # The file that is there may be another user's.
    if certificate and not (path.exists() and path.read_text() == certificate):
        path.write_text(certificate)


def authority_file(client: docker.DockerClient) -> Path:
    """Return where the authority of this engine's stack is kept: each machine has its own."""
    if engine.is_local(client):
        return LOCAL_CA_FILE
    return LOCAL_CA_FILE.with_name(f"{LOCAL_CA_FILE.stem}-{client.info()['Name']}{LOCAL_CA_FILE.suffix}")


def _authority(client: docker.DockerClient, hosts: tuple[str, str]) -> Model | None:
    """Return the newest config that holds the authority of the certificate for `hosts`."""
    wanted = {SECRET_LABEL: AUTHORITY, HOSTS_LABEL: ",".join(hosts)}
    found = [c for c in client.configs.list() if (c.attrs["Spec"].get("Labels") or {}) == wanted]
    return max(found, key=_created, default=None)


def unused(client: docker.DockerClient, *, keep: Collection[str], keys: Collection[str]) -> list[Item]:
    """Return our secrets and configs that no service uses, but for those in `keep`, by name.

    Of each of the `keys` the newest secret stays, too: a release that may come back needs it.
    """
    newest = {_key(s): s.name for s in sorted(client.secrets.list(), key=_created) if _key(s) in keys}
    stay = {*keep, *newest.values(), *_in_use(client)}
    found = [*client.secrets.list(), *client.configs.list()]
    return [item for item in found if item.name not in stay and _is_ours(item)]


def ours(client: docker.DockerClient) -> list[Item]:
    """Return all secrets and configs of the stack, also those that services use."""
    return [item for item in [*client.secrets.list(), *client.configs.list()] if _is_ours(item)]


def _is_ours(item: Model) -> bool:
    labels = item.attrs["Spec"].get("Labels") or {}
    return SECRET_LABEL in labels or labels.get(NAMESPACE_LABEL) == STACK


def _key(item: Model) -> str:
    return str((item.attrs["Spec"].get("Labels") or {}).get(SECRET_LABEL, ""))


def _created(item: Model) -> str:
    return str(item.attrs["CreatedAt"])


def _in_use(client: docker.DockerClient) -> set[str]:
    """Return the names of the secrets and configs that some service of this Swarm mounts."""
    templates = [service["Spec"]["TaskTemplate"] for service in client.api.services()]
    containers = [template.get("ContainerSpec") or {} for template in templates]
    secrets = {str(s["SecretName"]) for one in containers for s in one.get("Secrets") or ()}
    return secrets | {str(c["ConfigName"]) for one in containers for c in one.get("Configs") or ()}


def remove(items: Iterable[Item]) -> None:
    """Remove secrets and configs; one that a service took up meanwhile stays."""
    for item in items:
        try:
            item.remove()
        except NotFound:
            continue
        except APIError as error:
            if "is in use" not in str(error):
                raise
