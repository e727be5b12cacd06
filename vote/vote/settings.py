"""The service's settings, read from the environment and checked before anything starts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode

from vote.address import Network, parse_networks
from vote.admission import Limit
from vote.options import is_one_line, parse_options

EXIT_BAD_SETTING = 2
LONGEST_LINE = 200


def _content_of(path: object) -> str:
    """Return the secret that a file holds, without the newline at its end."""
    try:
        content = Path(str(path)).read_text(encoding="utf-8").rstrip("\n")
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from error
    if not content:
        raise ValueError(f"{path} is empty")
    return content


def _one_line(text: str) -> str:
    """Return a text for people to read, without the spaces around it."""
    if len(text.strip()) > LONGEST_LINE:
        raise ValueError(f"has more than {LONGEST_LINE} characters")
    if not is_one_line(text):
        raise ValueError("holds a line break or another control character")
    return text.strip()


Line = Annotated[str, AfterValidator(_one_line)]
SecretInFile = Annotated[SecretStr, BeforeValidator(_content_of)]
Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(parse_networks)]


class Settings(BaseSettings):
    """Everything that can be configured; a secret X comes from the file named by X_FILE."""

    redis_host: str = Field("redis-proxy", min_length=1)
    redis_port: int = Field(6379, ge=1, le=65535)
    redis_username: str = "ballot"
    redis_password: SecretInFile = Field(validation_alias="REDIS_PASSWORD_FILE")
    cookie_key: SecretInFile = Field(validation_alias="COOKIE_KEY_FILE")
    title: Line = ""
    question: Line = ""
    option_a: str = "Cats"
    option_b: str = "Dogs"
    vote_options: str = ""
    vote_option_keys: str = ""
    new_voters_per_second: int = Field(50, ge=0)
    new_voters_burst: int = Field(5000, ge=1)
    vote_replicas: int = Field(1, ge=0)
    trusted_proxies: Networks = Field((), validate_default=False)
    port: int = Field(8080, ge=1, le=65535)
    drain_seconds: float = Field(5, ge=0, le=60)

    @model_validator(mode="after")
    def _options_are_sound(self) -> Self:
        _ = self.options
        return self

    @property
    def new_voters(self) -> Limit | None:
        """What of all new voters of one address this replica lets in; None without a limit."""
        if not self.new_voters_per_second:
            return None
        replicas = max(1, self.vote_replicas)
        return Limit(self.new_voters_per_second / replicas, max(1, self.new_voters_burst / replicas))

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
