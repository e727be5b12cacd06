"""What can be voted for, and the lines that stand above it."""

import unicodedata
from string import ascii_lowercase

from .environment import Environment, SettingError, parsed

FEWEST, MOST, LONGEST_NAME = 2, 10, 60
LONGEST_LINE = 200


def is_one_line(text: str) -> bool:
    """Whether a text holds neither line breaks nor other control characters."""
    return not any(unicodedata.category(letter) in {"Cc", "Zl", "Zp"} for letter in text)


def parse_line(text: str) -> str:
    """Return a text for people to read, without the spaces around it; raises ValueError."""
    if len(text.strip()) > LONGEST_LINE:
        raise ValueError(f"must have at most {LONGEST_LINE} characters")
    if not is_one_line(text):
        raise ValueError("holds a line break or another control character")
    return text.strip()


def parse_options(listed: str, first: str, second: str, keyed: str = "") -> dict[str, str]:
    """Return option keys with their names, in order.

    A non-empty comma-separated list wins over the two single names. Stored votes hold the keys: letters,
    listed like that in `keyed`, else a, b, c … by place. Raises ValueError when there are fewer than two
    options or more than ten, when a name is empty, too long, given twice or not on one line, or when not each
    has a letter of its own.
    """
    names = [name.strip() for name in (listed.split(",") if listed.strip() else (first, second))]
    if not FEWEST <= len(names) <= MOST:
        raise ValueError(f"needs {FEWEST} to {MOST} options, has {len(names)}")
    if not all(0 < len(name) <= LONGEST_NAME for name in names):
        raise ValueError(f"an option's name has 1 to {LONGEST_NAME} characters")
    if not all(map(is_one_line, names)):
        raise ValueError("an option's name has a line break or another control character")
    if len({name.casefold() for name in names}) != len(names):
        raise ValueError("two options have the same name")
    keys = [key.strip() for key in keyed.split(",")] if keyed.strip() else ascii_lowercase[: len(names)]
    if len(keys) != len(names) or len(set(keys) & set(ascii_lowercase)) != len(names):
        raise ValueError("VOTE_OPTION_KEYS needs a letter from a to z for each option, and none twice")
    return dict(zip(keys, names, strict=True))


def read_line(environment: Environment, variable: str) -> str:
    """Return a line for people to read, empty where nobody has written one."""
    return parsed(environment, variable, parse_line)


def read_options(environment: Environment) -> dict[str, str]:
    """Return the options' keys and names; two that are only an example where nobody has named any."""
    listed = environment.get("VOTE_OPTIONS", "")
    first, second = environment.get("OPTION_A", "Cats"), environment.get("OPTION_B", "Dogs")
    try:
        return parse_options(listed, first, second, environment.get("VOTE_OPTION_KEYS", ""))
    except ValueError as error:
        variable = "VOTE_OPTIONS" if listed.strip() else "OPTION_A/OPTION_B"
        raise SettingError(f"{variable}: {error}") from error
