"""The service's settings, read from the environment and checked before anything starts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings

from result.options import is_one_line, parse_options

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


def _on_one_line(text: str) -> str:
    """Refuse what cannot be shown on one line."""
    if not is_one_line(text):
        raise ValueError("has control characters")
    return text


SecretInFile = Annotated[SecretStr, BeforeValidator(_content_of)]
Wording = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=200), AfterValidator(_on_one_line)
]


class Settings(BaseSettings):
    """Everything that can be configured; a secret X comes from the file named by X_FILE."""

    database_host: str = Field("pgpool", min_length=1)
    database_port: int = Field(5432, ge=1, le=65535)
    database_name: str = "votes"
    database_user: str = "result"
    database_password: SecretInFile = Field(validation_alias="DATABASE_PASSWORD_FILE")
    option_a: str = "Cats"
    option_b: str = "Dogs"
    vote_options: str = ""
    vote_option_keys: str = ""
    title: Wording = ""
    question: Wording = ""
    peers_host: str = Field("result", min_length=1)
    port: int = Field(8080, ge=1, le=65535)
    drain_seconds: float = Field(5, ge=0, le=60)

    @model_validator(mode="after")
    def _options_are_sound(self) -> Self:
        _ = self.options
        return self

    @property
    def options(self) -> dict[str, str]:
        """The options' keys and names."""
        try:
            return parse_options(self.vote_options, self.option_a, self.option_b, self.vote_option_keys)
        except ValueError as error:
            variable = "VOTE_OPTIONS" if self.vote_options.strip() else "OPTION_A/OPTION_B"
            raise ValueError(f"{variable}: {error}") from error


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
