"""The settings of pgpool's supervisor, from the environment and from secret files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROLES = ("worker", "result", "pgpool")


class SettingError(Exception):
    """A setting is missing or malformed; the message names the variable."""


@dataclass(frozen=True)
class Settings:
    """The nodes to ask, and the password of every role that may pass."""

    nodes: tuple[str, ...]
    passwords: Mapping[str, str] = field(repr=False)
    runtime: Path = Path("/tmp/pgpool")  # noqa: S108

    @property
    def majority(self) -> int:
        """How many nodes must agree, of all that exist."""
        return len(self.nodes) // 2 + 1


def load(environ: Mapping[str, str]) -> Settings:
    """Read the settings; raise SettingError."""
    nodes = tuple(name for name in environ.get("POSTGRES_NODES", "").split(",") if name)
    if len(nodes) < 3 or len(set(nodes)) != len(nodes):
        raise SettingError("POSTGRES_NODES must name at least three different nodes")
    return Settings(nodes, {role: _password(environ, role) for role in ROLES})


def _password(environ: Mapping[str, str], role: str) -> str:
    variable = f"{role.upper()}_PASSWORD_FILE"
    path = Path(environ.get(variable, f"/run/secrets/postgres_{role}_password"))
    try:
        password = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{variable}: cannot read {path}: {error}") from error
    if not password or "\n" in password:
        raise SettingError(f"{variable}: {path} must hold exactly one line")
    return password
