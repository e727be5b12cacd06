"""The service's settings, read from the environment and checked before anything starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from result.environment import Environment, SettingError, refuse, required, secrets, whole_number
from result.exporter import metrics_port
from result.options import read_line, read_options


@dataclass(frozen=True)
class Settings:
    """Everything that can be configured; a secret X comes from the file named by X_FILE."""

    database_host: str
    database_port: int
    database_name: str
    database_user: str
    database_passwords: tuple[str, ...] = field(repr=False)  # the first is tried first
    title: str
    question: str
    options: Mapping[str, str]
    peers_host: str
    port: int
    metrics_port: int
    drain_seconds: int


def read(environment: Environment) -> Settings:
    """Return the settings; raise SettingError on the first bad one."""
    return Settings(
        database_host=required(environment, "DATABASE_HOST", "pgpool"),
        database_port=whole_number(environment, "DATABASE_PORT", 1, 65535, 5432),
        database_name=required(environment, "DATABASE_NAME", "votes"),
        database_user=required(environment, "DATABASE_USER", "result"),
        database_passwords=secrets(environment, "DATABASE_PASSWORD_FILE"),
        title=read_line(environment, "TITLE"),
        question=read_line(environment, "QUESTION"),
        options=read_options(environment),
        peers_host=required(environment, "PEERS_HOST", "result"),
        port=whole_number(environment, "PORT", 1, 65535, 8080),
        metrics_port=metrics_port(environment),
        drain_seconds=whole_number(environment, "DRAIN_SECONDS", 0, 60, 5),
    )


def load() -> Settings:
    """Return the settings of this process, or end it with code 2 and one line on standard error."""
    try:
        return read(os.environ)
    except SettingError as error:
        refuse(error)
