"""The worker's settings, read from the environment and checked before anything starts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from worker.access import Access, read_access
from worker.closing import parse_closing
from worker.environment import Environment, SettingError, parsed, refuse, required
from worker.exporter import metrics_port


@dataclass(frozen=True)
class Settings:
    """Everything that can be configured; a secret X comes from the file named by X_FILE."""

    access: Access
    heartbeat_file: Path
    closes: datetime | None
    metrics_port: int


def read(environment: Environment) -> Settings:
    """Return the settings; raise SettingError on the first bad one."""
    heartbeat_file = required(environment, "HEARTBEAT_FILE", "/tmp/worker.heartbeat")  # noqa: S108
    closes = parsed(environment, "VOTE_CLOSES", parse_closing)
    return Settings(read_access(environment), Path(heartbeat_file), closes, metrics_port(environment))


def load() -> Settings:
    """Return the settings of this process, or end it with code 2 and one line on standard error."""
    try:
        return read(os.environ)
    except SettingError as error:
        refuse(error)
