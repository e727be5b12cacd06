"""The service's settings, read from the environment and checked before anything starts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings

EXIT_BAD_SETTING = 2


def _content_of(path: object) -> str:
    """Return the secret that a file holds, without the newline at its end."""
    try:
        content = Path(str(path)).read_text(encoding="utf-8").rstrip("\n")
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from error
    if not content:
        raise ValueError(f"{path} is empty")
    return content


SecretInFile = Annotated[SecretStr, BeforeValidator(_content_of)]


class Settings(BaseSettings):
    """Everything that can be configured; a secret X comes from the file named by X_FILE."""

    redis_host: str = Field("redis-proxy", min_length=1)
    redis_port: int = Field(6379, ge=1, le=65535)
    redis_username: str = "worker"
    redis_password: SecretInFile = Field(validation_alias="REDIS_PASSWORD_FILE")
    database_host: str = Field("pgpool", min_length=1)
    database_port: int = Field(5432, ge=1, le=65535)
    database_name: str = "votes"
    database_user: str = "worker"
    database_password: SecretInFile = Field(validation_alias="DATABASE_PASSWORD_FILE")
    heartbeat_file: Path = Path("/tmp/worker.heartbeat")  # noqa: S108
    postgres_nodes: str = "postgres-1,postgres-2,postgres-3"
    redis_nodes: str = "redis-1,redis-2,redis-3"


def complaint(error: ValidationError) -> str:
    """Return one line that names each variable that is missing or malformed."""
    parts = []
    for problem in error.errors():
        variable = "".join(f"{place}: " for place in problem["loc"]).upper()
        parts.append(variable + problem["msg"].removeprefix("Value error, "))
    return "; ".join(parts)


def load() -> Settings:
    """Return the settings, or end the process with code 2 and one line on stderr."""
    try:
        return Settings.model_validate({})
    except ValidationError as error:
        print(complaint(error), file=sys.stderr)
        sys.exit(EXIT_BAD_SETTING)
