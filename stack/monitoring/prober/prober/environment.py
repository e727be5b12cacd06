"""The environment of this process: its variables, and the secrets in the files that some of them name."""

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn, TypeVar

from .errors import ServiceError

EXIT_BAD_SETTING = 2
# A file of this name beside a secret's holds what is good as well, while the secret is changed; else a word.
OTHER, NONE = "_other", "none"

Environment = Mapping[str, str]
T = TypeVar("T")


class SettingError(ServiceError):
    """A variable is missing or malformed; the message names it, and holds nothing of a secret."""


def required(environment: Environment, variable: str, default: str = "") -> str:
    """Return a variable that must not be empty, or its default where it is not set."""
    value = environment.get(variable, default).strip()
    if not value:
        raise SettingError(f"{variable}: not set")
    return value


def parsed(environment: Environment, variable: str, parse: Callable[[str], T]) -> T:
    """Return what `parse` makes of a variable, which may be empty; it raises ValueError."""
    try:
        return parse(environment.get(variable, ""))
    except ValueError as error:
        raise SettingError(f"{variable}: {error}") from error


def whole_number(
    environment: Environment, variable: str, least: int, most: int, default: int | None = None
) -> int:
    """Return a number within bounds, or its default where it is not set."""
    text = environment.get(variable, "" if default is None else str(default))
    if not (re.fullmatch(r"[0-9]{1,10}", text) and least <= int(text) <= most):
        raise SettingError(f"{variable}: expected a number from {least} to {most}")
    return int(text)


def secret(environment: Environment, variable: str, name: str = "") -> str:
    """Return what the file holds that a variable names, without the one line end after it.

    Where the variable is not set, that is the Docker secret of a name.
    """
    return _content(variable, required(environment, variable, name and f"/run/secrets/{name}"))


def secrets(environment: Environment, variable: str, name: str = "") -> tuple[str, ...]:
    """Return what `secret` does: the value to use first, and the other one that is good, if there is one."""
    path = required(environment, variable, name and f"/run/secrets/{name}") + OTHER
    first = secret(environment, variable, name)
    other = _content(variable, path) if Path(path).exists() else NONE
    return (first,) if other in (first, NONE) else (first, other)


def _content(variable: str, path: str) -> str:
    try:
        # Read as text, every kind of line end would become the same.
        content = re.sub(r"\r?\n\Z", "", Path(path).read_bytes().decode())
    except OSError as error:
        raise SettingError(f"{variable}: cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise SettingError(f"{variable}: {path} is not UTF-8") from None
    if not content:
        raise SettingError(f"{variable}: {path} is empty")
    if content.startswith("\ufeff"):
        raise SettingError(f"{variable}: {path} begins with a byte order mark")
    if re.search(r"[\0\r\n]", content):
        raise SettingError(f"{variable}: {path} must hold one line")
    return content


def refuse(reason: object) -> NoReturn:
    """End the process as a start does that cannot be: with code 2 and one line on standard error."""
    print(reason, file=sys.stderr)
    sys.exit(EXIT_BAD_SETTING)
