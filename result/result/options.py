"""What can be voted for."""

from __future__ import annotations

import unicodedata
from string import ascii_lowercase

FEWEST, MOST, LONGEST_NAME = 2, 10, 60


def is_one_line(text: str) -> bool:
    """Whether a text holds neither line breaks nor other control characters."""
    return not any(unicodedata.category(letter) in {"Cc", "Zl", "Zp"} for letter in text)


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
