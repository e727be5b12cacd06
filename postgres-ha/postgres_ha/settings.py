"""The node's settings, from the environment and from secret files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


class SettingError(Exception):
    """A setting is missing or malformed; the message names the variable."""


@dataclass(frozen=True)
class Secrets:
    """The passwords of the database's roles and the agents' shared token."""

    postgres: str = field(repr=False)
    repmgr: str = field(repr=False)
    pgpool: str = field(repr=False)
    worker: str = field(repr=False)
    result: str = field(repr=False)
    agent_token: str = field(repr=False)


@dataclass(frozen=True)
class Settings:
    """Everything a node needs to know before it starts."""

    node: str
    nodes: tuple[str, ...]
    secrets: Secrets
    volume: Path = Path("/data")
    runtime: Path = Path("/tmp/postgres-ha")  # noqa: S108

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
    def repmgr_conf(self) -> Path:
        """The configuration file of repmgr."""
        return self.runtime / "repmgr.conf"


def load(environ: Mapping[str, str]) -> Settings:
    """Read the settings; raise SettingError."""
    nodes = tuple(_required(environ, "POSTGRES_NODES").split(","))
    node = _required(environ, "NODE_NAME")
    if len(nodes) < 3 or len(set(nodes)) != len(nodes) or not all(nodes):
        raise SettingError("POSTGRES_NODES must name at least three different nodes")
    if node not in nodes:
        raise SettingError(f"NODE_NAME {node!r} is not one of POSTGRES_NODES")
    return Settings(node=node, nodes=nodes, secrets=_secrets(environ))


def read_secret(environ: Mapping[str, str], variable: str, default: str) -> str:
    """Return the content of the secret file that a variable names; raise SettingError."""
    path = Path(environ.get(variable, f"/run/secrets/{default}"))
    try:
        secret = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{variable}: cannot read {path}: {error}") from error
    if not secret or "\n" in secret:
        raise SettingError(f"{variable}: {path} must hold exactly one line")
    return secret


def _secrets(environ: Mapping[str, str]) -> Secrets:
    return Secrets(
        postgres=read_secret(environ, "POSTGRES_PASSWORD_FILE", "postgres_password"),
        repmgr=read_secret(environ, "REPMGR_PASSWORD_FILE", "postgres_repmgr_password"),
        pgpool=read_secret(environ, "PGPOOL_PASSWORD_FILE", "postgres_pgpool_password"),
        worker=read_secret(environ, "WORKER_PASSWORD_FILE", "postgres_worker_password"),
        result=read_secret(environ, "RESULT_PASSWORD_FILE", "postgres_result_password"),
        agent_token=read_secret(environ, "AGENT_TOKEN_FILE", "postgres_agent_token"),
    )


def _required(environ: Mapping[str, str], variable: str) -> str:
    value = environ.get(variable, "").strip()
    if not value:
        raise SettingError(f"{variable} is not set")
    return value
