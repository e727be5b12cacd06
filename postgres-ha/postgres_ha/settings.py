"""The node's settings, from the environment and from secret files."""

from dataclasses import dataclass, field
from pathlib import Path

from postgres_ha import tls
from postgres_ha.environment import Environment, SettingError, required, secret, secrets
from postgres_ha.tls import Tls


@dataclass(frozen=True)
class Secrets:
    """The passwords of the database's roles and the agents' shared token.

    Of what a node uses itself there are two while it is changed: the first becomes the role's. The superuser
    logs in without his, which a release of before needs.
    """

    postgres: str = field(repr=False)
    repmgr: tuple[str, ...] = field(repr=False)
    pgpool: str = field(repr=False)
    worker: str = field(repr=False)
    result: str = field(repr=False)
    observer: str = field(repr=False)
    certificates: str = field(repr=False)
    monitor: str = field(repr=False)
    agent_tokens: tuple[str, ...] = field(repr=False)  # the first is sent, each is good


@dataclass(frozen=True)
class Backup:
    """How a node is known to the runner of the backups, and whom it believes to be that."""

    certificate: Path
    authority: Path


@dataclass(frozen=True)
class Settings:
    """Everything a node needs to know before it starts."""

    node: str
    nodes: tuple[str, ...]
    secrets: Secrets
    tls: Tls
    volume: Path = Path("/data")
    runtime: Path = Path("/tmp/postgres-ha")  # noqa: S108
    backup: Backup | None = None

    @property
    def node_id(self) -> int:
        """The node's number for repmgr, from 1."""
        return self.nodes.index(self.node) + 1

    @property
    def peers(self) -> tuple[str, ...]:
        """The other nodes."""
        return tuple(node for node in self.nodes if node != self.node)

    @property
    def majority(self) -> int:
        """How many nodes must agree, of all that exist."""
        return len(self.nodes) // 2 + 1

    @property
    def data(self) -> Path:
        """The server's data directory."""
        return self.volume / "pgdata"

    @property
    def passfile(self) -> Path:
        """The file for libpq."""
        return self.runtime / "pgpass"

    @property
    def server_pem(self) -> Path:
        """The server's own copy of its key with its certificate."""
        return self.runtime / "server.pem"

    @property
    def repmgr_conf(self) -> Path:
        """The configuration file of repmgr."""
        return self.runtime / "repmgr.conf"


def load(environment: Environment) -> Settings:
    """Read the settings; raise SettingError on the first bad one."""
    nodes = tuple(required(environment, "POSTGRES_NODES").split(","))
    node = required(environment, "NODE_NAME")
    if len(nodes) < 3 or len(set(nodes)) != len(nodes) or not all(nodes):
        raise SettingError("POSTGRES_NODES: expected three or more different names with commas")
    if node not in nodes:
        raise SettingError(f"NODE_NAME: {node} is none of {', '.join(nodes)}")
    return Settings(node, nodes, _secrets(environment), tls.load(environment), backup=_backup(environment))


def _backup(environment: Environment) -> Backup | None:
    """Return the settings where the stack has a store for backups."""
    if not environment.get("BACKUP_STORE"):
        return None
    return Backup(
        Path(required(environment, "BACKUP_TLS_FILE", "/run/secrets/backup_node_tls")),
        Path(required(environment, "BACKUP_CA_FILE", "/etc/ssl/backup_ca.pem")),
    )


def _secrets(environment: Environment) -> Secrets:
    return Secrets(
        postgres=secret(environment, "POSTGRES_PASSWORD_FILE", "postgres_password"),
        repmgr=secrets(environment, "REPMGR_PASSWORD_FILE", "postgres_repmgr_password"),
        pgpool=secret(environment, "PGPOOL_PASSWORD_FILE", "postgres_pgpool_password"),
        worker=secret(environment, "WORKER_PASSWORD_FILE", "postgres_worker_password"),
        result=secret(environment, "RESULT_PASSWORD_FILE", "postgres_result_password"),
        observer=secret(environment, "OBSERVER_PASSWORD_FILE", "postgres_observer_password"),
        certificates=secret(environment, "CERTIFICATES_PASSWORD_FILE", "postgres_certificates_password"),
        monitor=secret(environment, "MONITOR_PASSWORD_FILE", "postgres_monitor_password"),
        agent_tokens=secrets(environment, "AGENT_TOKEN_FILE", "postgres_agent_token"),
    )
