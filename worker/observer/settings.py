"""The observer's settings, read from the environment and checked before anything starts."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass

from observer.node_states import Trust
from worker.access import Access, read_access
from worker.environment import Environment, SettingError, refuse, required
from worker.exporter import metrics_port


@dataclass(frozen=True)
class Settings:
    """Everything that can be configured; a secret X comes from the file named by X_FILE."""

    access: Access
    postgres_nodes: tuple[str, ...]
    redis_nodes: tuple[str, ...]
    trust: Trust  # in agents, by the variables that libpq reads for the database
    metrics_port: int


def read(environment: Environment) -> Settings:
    """Return the settings; raise SettingError on the first bad one."""
    return Settings(
        read_access(environment),
        _names(environment, "POSTGRES_NODES", "postgres-1,postgres-2,postgres-3"),
        _names(environment, "REDIS_NODES", "redis-1,redis-2,redis-3"),
        _trust(environment),
        metrics_port(environment),
    )


def load() -> Settings:
    """Return the settings of this process, or end it with code 2 and one line on standard error."""
    try:
        return read(os.environ)
    except SettingError as error:
        refuse(error)


def _names(environment: Environment, variable: str, default: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in required(environment, variable, default).split(","))


def _trust(environment: Environment) -> Trust:
    mode, authority = required(environment, "PGSSLMODE"), required(environment, "PGSSLROOTCERT")
    if mode not in {"verify-full", "prefer"}:
        raise SettingError("PGSSLMODE: expected verify-full or prefer")
    try:
        return Trust(ssl.create_default_context(cafile=authority), demanded=mode == "verify-full")
    except OSError as error:  # ssl.SSLError is one
        raise SettingError(f"PGSSLROOTCERT: cannot use {authority}: {error}") from error
