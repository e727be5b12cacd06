"""What can be voted for."""

from __future__ import annotations

import unicodedata
from string import ascii_lowercase

FEWEST, MOST, LONGEST_NAME = 2, 10, 60


def is_one_line(text: str) -> bool:
    """Whether a text holds neither line breaks nor other control characters."""
    return not any(unicodedata.category(letter) in {"Cc", "Zl", "Zp"} for letter in text)


def parse_options(listed: str, first: str, second: str) -> dict[str, str]:
    """Return option keys (a, b, c …) with their names, in order.

    A non-empty comma-separated list wins over the two single names. Raises ValueError when there
    are fewer than two or more than ten, or when a name is empty, too long, given twice or not on one line.
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
    return dict(zip(ascii_lowercase, names, strict=False))
