"""The observer's settings, read from the environment and checked before anything starts."""

from __future__ import annotations

import os
from dataclasses import dataclass

from worker.access import Access, read_access
from worker.environment import Environment, SettingError, refuse, required


@dataclass(frozen=True)
class Settings:
    """Everything that can be configured; a secret X comes from the file named by X_FILE."""

    access: Access
    postgres_nodes: tuple[str, ...]
    redis_nodes: tuple[str, ...]


def read(environment: Environment) -> Settings:
    """Return the settings; raise SettingError on the first bad one."""
    return Settings(
        read_access(environment),
        _names(environment, "POSTGRES_NODES", "postgres-1,postgres-2,postgres-3"),
        _names(environment, "REDIS_NODES", "redis-1,redis-2,redis-3"),
    )


def load() -> Settings:
    """Return the settings of this process, or end it with code 2 and one line on standard error."""
    try:
        return read(os.environ)
    except SettingError as error:
        refuse(error)


def _names(environment: Environment, variable: str, default: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in required(environment, variable, default).split(","))
