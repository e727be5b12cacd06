"""Passwords and certificates as Swarm secrets: made once, never printed, never read back."""

import base64
import hashlib
import secrets
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

import docker
from docker.errors import APIError, NotFound
from docker.models.resource import Model

from deployment.configuration.layout import LOCAL_CA_FILE, NAMESPACE_LABEL, SECRET_LABEL, STACK
from deployment.engine.machine import engine
from deployment.engine.secrets import certificates, versions
from deployment.engine.secrets.versions import STAGE_LABEL
from deployment.errors import DeployError
from deployment.plan.cluster.topology import members
from deployment.plan.release import entrance, inside
from deployment.plan.release.entrance import Entrance
from deployment.plan.release.release import Release, secret_variable
from deployment.plan.release.rotation import NONE, ROTATABLE, Stage, other_key

# A secret or a config, as the library has it.
Item: TypeAlias = Model

PASSWORDS = ("postgres_password", "postgres_monitor_password", "certificates_key", *ROTATABLE)
# The certificate of the local authority, a config, and its key.
AUTHORITY, AUTHORITY_KEY = "local_ca", "local_ca_key"
# Keys with certificates, and the names by which clients know these servers. Who signed them all is a config.
INSIDE = inside.AUTHORITY
SERVERS = {
    "certificates_tls": ("certificates",),
    "pgpool_tls": ("pgpool",),
    "postgres_tls": tuple(members("postgres")),
    "redis_proxy_tls": ("redis-proxy",),
    "redis_tls": (*members("redis"), *members("sentinel")),
}
# Where the stack is backed up: what encrypts that, and how the runner and the data nodes know each other.
# They are not of the authority above, whose key is not kept: backups can be turned on at any time.
BACKUP_KEY, BACKUP_AUTHORITY = "backup_key", "backup_ca"
BACKUP_SERVERS = {"backup_tls": ("backup",), "backup_node_tls": ("postgres", *members("postgres"))}
BACKUP = (BACKUP_KEY, BACKUP_AUTHORITY, *BACKUP_SERVERS)
# Beside a secret that can be changed: says that nothing else is good, while it is not.
OTHERS = tuple(map(other_key, ROTATABLE))
MADE = (*PASSWORDS, *OTHERS, AUTHORITY, AUTHORITY_KEY, INSIDE, *SERVERS)
# What is only good together.
WHOLE = ((AUTHORITY, AUTHORITY_KEY), (INSIDE, *SERVERS), (BACKUP_AUTHORITY, *BACKUP_SERVERS))
# What a release of before showed: its authority, whose key was not kept, has the same hosts in its label.
FORMER = ("tls_certificate", "tls_key")
# What a user has in a file of their own.
GIVEN = (
    *("acme_eab_hmac_key", "acme_dns_hook", "dashboard_users", "monitoring_users"),
    *("alert_smtp_password", "alert_slack_url", "backup_s3_key", "backup_s3_key_secret"),
)
# Where one is missing beside data, their Swarm was lost, and with it what tells one voter from another.
# Others can be new in this release.
BOUND_TO_DATA = (
    "postgres_password",
    "postgres_repmgr_password",
    "postgres_pgpool_password",
    "postgres_worker_password",
    "postgres_result_password",
    "voter_cookie_key",
)
# Volumes with votes.
DATA = (f"{STACK}_postgres-", f"{STACK}_redis-")
HOSTS_LABEL = "vote-app.hosts"
PASSWORD_BYTES = 32


def observe(
    client: docker.DockerClient, hosts: tuple[str, str], given: Mapping[str, bytes]
) -> dict[str, str]:
    """Return the Swarm names of the secrets that are there, by key, and of the configs of the authorities.

    Of several versions of one key the newest is meant, or that of what is `given`. What a release of before
    showed counts only for exactly these hosts. Of a secret that can be changed while everybody works, the one
    that is sent is meant, and beside it stands the other one that is good: see `rotation`.
    """
    found: dict[str, str] = {}
    exact = {name_of(key, content) for key, content in given.items()}
    for secret in sorted(client.secrets.list(), key=lambda item: (item.name in exact, _created(item))):
        key, for_hosts = _key(secret), _label(secret, HOSTS_LABEL)
        if key in (*PASSWORDS, *GIVEN, AUTHORITY_KEY, *SERVERS, BACKUP_KEY, *BACKUP_SERVERS) or (
            key in FORMER and for_hosts == ",".join(hosts)
        ):
            found[key] = str(secret.name)
    signers = {key: _signer(client, key) for key in (AUTHORITY, INSIDE, BACKUP_AUTHORITY)}
    authorities = {key: str(config.name) for key, config in signers.items() if config}
    return found | authorities | versions.good(client)


def begin(client: docker.DockerClient, keys: Iterable[str]) -> None:
    """Make a new version of each secret, which is good before anybody sends it."""
    for key in keys:
        _store(client, key, _password(), {STAGE_LABEL: Stage.ACCEPTED.value})


def missing(found: Mapping[str, str], given: Mapping[str, bytes], *, backed_up: bool = False) -> list[str]:
    """Return the keys that still have to be made, with all that is only good together with them."""
    broken = {key for group in WHOLE if any(key not in found for key in group) for key in group}
    wanted = (*MADE, *BACKUP) if backed_up else MADE
    absent = [key for key in wanted if key not in found or key in broken]
    return absent + [key for key, content in given.items() if found.get(key) != name_of(key, content)]


def check_volumes(client: docker.DockerClient, found: Mapping[str, str]) -> None:
    """Raise DeployError if data of an earlier stack is here whose passwords are lost.

    Another account that is missing is new in this release: it is made.
    """
    lost = [key for key in missing(found, {}) if key in BOUND_TO_DATA]
    kept = data_volumes(client)
    if lost and kept:
        raise DeployError(
            f"Data of an earlier stack is here ({', '.join(kept)}), but its passwords are not: "
            f"the Swarm that held {lost[0]} is gone.",
            "With a recovery kit of that stack: python3 deploy.py kit open --keep-data FILE. "
            f"To start anew and delete that data: `docker volume rm {' '.join(kept)}`; to keep it, move it "
            f"away first. If there is a volume {STACK}_backup, it has the backups: keep it.",
        )


def data_volumes(client: docker.DockerClient) -> list[str]:
    """Return the names of the volumes of this engine that have votes; the backups are not among them."""
    return sorted(str(volume.name) for volume in client.volumes.list() if str(volume.name).startswith(DATA))


def create(client: docker.DockerClient, keys: Collection[str], given: Mapping[str, bytes]) -> None:
    """Make the secrets of `keys`."""
    for key in keys:
        if key in (*PASSWORDS, BACKUP_KEY):
            _store(client, key, _password())
        elif key in OTHERS:
            _store(client, key, NONE)
        elif key in given:
            _store(client, key, given[key])
    if AUTHORITY in keys:
        made = certificates.make()
        _store(client, AUTHORITY_KEY, made.key)
        _publish(client, AUTHORITY, made.certificate)
    for signer, servers, what in ((INSIDE, SERVERS, "inside"), (BACKUP_AUTHORITY, BACKUP_SERVERS, "backup")):
        if signer in keys:
            signed = certificates.make_inside(servers, what)
            for key, pair in signed.servers.items():
                _store(client, key, pair)
            _publish(client, signer, signed.authority)


def _password() -> bytes:
    return secrets.token_urlsafe(PASSWORD_BYTES).encode()


def _store(
    client: docker.DockerClient, key: str, value: bytes, labels: Mapping[str, str] = MappingProxyType({})
) -> None:
    client.secrets.create(name=name_of(key, value), data=value, labels={SECRET_LABEL: key, **labels})


def _publish(client: docker.DockerClient, key: str, value: bytes) -> None:
    client.configs.create(name=name_of(key, value), data=value, labels={SECRET_LABEL: key})


def name_of(key: str, value: bytes) -> str:
    """Return the Swarm name of a secret or config: it follows from what it holds."""
    return f"{STACK}_{key}_{hashlib.sha256(value).hexdigest()[:12]}"


def authority(client: docker.DockerClient, release: Release) -> str:
    """Return the public certificate of the local CA that a release shows, as PEM; empty without one."""
    former = secret_variable(FORMER[0]) in release.variables
    config = _signer(client, AUTHORITY, release.hosts if former else None)
    return _text(config) if config else ""


def authorities(client: docker.DockerClient) -> str:
    """Return the public certificates of every local CA that is kept, former ones included, as PEM."""
    found = [config for config in client.configs.list() if _key(config) == AUTHORITY]
    return "".join(_text(config) for config in found)


def _text(config: Item) -> str:
    return base64.b64decode(config.attrs["Spec"]["Data"]).decode()


def entrance_of(client: docker.DockerClient, release: Release) -> Entrance:
    """Return how visitors reach the pages of a release, and whom they have to trust."""
    return entrance.of(release, authority(client, release))


def save_authority(client: docker.DockerClient, release: Release, path: Path) -> None:
    """Write the public certificate of the local CA to a file, for the user to trust."""
    certificate = authority(client, release)
    # The file that is there may be another user's.
    if certificate and not (path.exists() and path.read_text() == certificate):
        path.write_text(certificate)


def authority_file(client: docker.DockerClient) -> Path:
    """Return where the authority of this engine's stack is kept: each machine has its own."""
    if engine.is_local(client):
        return LOCAL_CA_FILE
    return LOCAL_CA_FILE.with_name(f"{LOCAL_CA_FILE.stem}-{client.info()['Name']}{LOCAL_CA_FILE.suffix}")


def _signer(client: docker.DockerClient, key: str, hosts: tuple[str, str] | None = None) -> Item | None:
    """Return the newest config that holds an authority: today's, or a former one for `hosts` alone."""
    wanted = {SECRET_LABEL: key} | ({HOSTS_LABEL: ",".join(hosts)} if hosts else {})
    found = [c for c in client.configs.list() if (c.attrs["Spec"].get("Labels") or {}) == wanted]
    return max(found, key=_created, default=None)


def unused(client: docker.DockerClient, keys: Collection[str], names: Collection[str] = ()) -> list[Item]:
    """Return our secrets and configs that no service uses, without `names` and the newest of the `keys`.

    Of what a release of before showed the newest stays for each pair of hosts, with its authority. So does
    what is good beside the newest.
    """
    found = sorted([*client.secrets.list(), *client.configs.list()], key=_created)
    newest = {_version(item): item.name for item in found if _needed_for(item) in keys}
    good = {name for key, name in versions.good(client).items() if key in keys}
    stay = {*newest.values(), *_in_use(client), *good, *names}
    return [item for item in found if item.name not in stay and _is_ours(item)]


def _version(item: Item) -> tuple[str, str]:
    return _key(item), _label(item, HOSTS_LABEL)


def _needed_for(item: Item) -> str:
    """Return the key of the secret that a release names if it needs this item."""
    return FORMER[0] if _label(item, HOSTS_LABEL) else _key(item)


def ours(client: docker.DockerClient) -> list[Item]:
    """Return all secrets and configs of the stack, also those that services use."""
    return [item for item in [*client.secrets.list(), *client.configs.list()] if _is_ours(item)]


def _is_ours(item: Item) -> bool:
    labels = item.attrs["Spec"].get("Labels") or {}
    return SECRET_LABEL in labels or labels.get(NAMESPACE_LABEL) == STACK


def _key(item: Item) -> str:
    return _label(item, SECRET_LABEL)


def _label(item: Item, name: str) -> str:
    return str((item.attrs["Spec"].get("Labels") or {}).get(name, ""))


def _created(item: Item) -> str:
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
