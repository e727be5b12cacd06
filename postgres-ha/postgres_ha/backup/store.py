"""Where backups are kept: the runner's settings, from the environment and from secret files."""

import re
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path

from postgres_ha import tls
from postgres_ha.environment import Environment, SettingError, parsed, required, secret
from postgres_ha.tls import Tls

VOLUME, S3 = "volume", "s3"
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_ENDPOINT = re.compile(r"([A-Za-z0-9.-]+)(?::([1-9][0-9]{0,4}))?")


@dataclass(frozen=True)
class Bucket:
    """A bucket of an S3-compatible store, and who may write to it."""

    host: str
    port: int
    name: str
    region: str
    key: str = field(repr=False)
    key_secret: str = field(repr=False)
    authority: Path | None = None

    @property
    def place(self) -> str:
        """Name it among all buckets."""
        return f"{self.host.lower()}:{self.port}/{self.name}"


@dataclass(frozen=True)
class Settings:
    """All that the runner needs to know before it starts."""

    nodes: tuple[str, ...]
    at: time
    key: str = field(repr=False)
    bucket: Bucket | None
    tls: Tls
    authority: Path
    agent_token: str = field(repr=False)
    runtime: Path = Path("/run/backup")
    volume: Path = Path("/var/lib/backup")

    @property
    def conf(self) -> Path:
        """The configuration of pgBackRest."""
        return self.runtime / "pgbackrest.conf"

    @property
    def repository(self) -> Path:
        """Where the backups are, if they are on the volume."""
        return self.volume / "repository"

    @property
    def place(self) -> str:
        """Name the store."""
        return self.bucket.place if self.bucket else VOLUME

    @property
    def scratch(self) -> Path:
        """Where a backup is restored to be looked at."""
        return self.volume / "scratch"

    @property
    def state(self) -> Path:
        """Where notes are kept."""
        return self.volume / "state"


def load(environment: Environment) -> Settings:
    """Read the settings; raise SettingError on the first bad one."""
    store = required(environment, "BACKUP_STORE")
    if store not in (VOLUME, S3):
        raise SettingError(f"BACKUP_STORE: expected {VOLUME} or {S3}")
    return Settings(
        nodes=tuple(required(environment, "POSTGRES_NODES").split(",")),
        at=parsed({"BACKUP_AT": environment.get("BACKUP_AT") or "03:00"}, "BACKUP_AT", time_of_day),
        key=secret(environment, "BACKUP_KEY_FILE", "backup_key"),
        bucket=_bucket(environment) if store == S3 else None,
        tls=tls.load(environment),
        authority=Path(required(environment, "BACKUP_CA_FILE", "/etc/ssl/backup_ca.pem")),
        agent_token=secret(environment, "AGENT_TOKEN_FILE", "postgres_agent_token"),
    )


def time_of_day(text: str) -> time:
    """Read hour and minute such as 03:00; raise ValueError."""
    found = _TIME.fullmatch(text)
    if not found:
        raise ValueError("expected hour and minute of UTC such as 03:00")
    return time(int(found[1]), int(found[2]))


def endpoint(text: str) -> tuple[str, int]:
    """Read a host with or without a port, by default 443; raise ValueError."""
    found = _ENDPOINT.fullmatch(text.removeprefix("https://").removesuffix("/"))
    if not found:
        raise ValueError("expected a host such as s3.eu-central-1.amazonaws.com or minio.example.org:9000")
    return found[1], int(found[2] or 443)


def _bucket(environment: Environment) -> Bucket:
    host, port = parsed(environment, "BACKUP_S3_ENDPOINT", endpoint)
    authority = environment.get("BACKUP_S3_CA_FILE", "")
    return Bucket(
        host,
        port,
        name=required(environment, "BACKUP_S3_BUCKET"),
        region=environment.get("BACKUP_S3_REGION") or "us-east-1",
        key=secret(environment, "BACKUP_S3_KEY_FILE", "backup_s3_key"),
        key_secret=secret(environment, "BACKUP_S3_KEY_SECRET_FILE", "backup_s3_key_secret"),
        authority=Path(authority) if authority else None,
    )
