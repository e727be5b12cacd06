"""The settings of pgpool's supervisor, from the environment and from secret files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pgpool_leader import tls
from pgpool_leader.environment import Environment, SettingError, required, secrets
from pgpool_leader.exporter import PORT, metrics_port
from pgpool_leader.tls import Tls

ROLES = ("worker", "result", "observer", "certificates", "pgpool")


@dataclass(frozen=True)
class Settings:
    """The nodes to ask, the passwords of every role that may pass, and how all of them are spoken to.

    Of a password that is changed there are two, of which the primary takes one.
    """

    nodes: tuple[str, ...]
    passwords: Mapping[str, tuple[str, ...]] = field(repr=False)
    tls: Tls
    runtime: Path = Path("/tmp/pgpool")  # noqa: S108
    metrics_port: int = PORT

    @property
    def majority(self) -> int:
        """How many nodes must agree, of all that exist."""
        return len(self.nodes) // 2 + 1


def load(environment: Environment) -> Settings:
    """Read the settings; raise SettingError on the first bad one."""
    nodes = tuple(required(environment, "POSTGRES_NODES").split(","))
    if len(nodes) < 3 or len(set(nodes)) != len(nodes) or not all(nodes):
        raise SettingError("POSTGRES_NODES: expected three or more different names with commas")
    passwords = {role: _passwords(environment, role) for role in ROLES}
    return Settings(nodes, passwords, tls.load(environment), metrics_port=metrics_port(environment))


def _passwords(environment: Environment, role: str) -> tuple[str, ...]:
    return secrets(environment, f"{role.upper()}_PASSWORD_FILE", f"postgres_{role}_password")
