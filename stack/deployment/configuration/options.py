"""What can be voted for: how many options there may be, and how their names may look."""

import unicodedata

OPTION_LIMITS = (2, 10)
LONGEST_OPTION = 60


def has_control_characters(text: str) -> bool:
    """Whether a text cannot be shown on one line."""
    return any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in text)


def complain_of(names: list[str]) -> None:
    """Raise ValueError unless the names can be voted for: the services' own rule, seen earlier."""
    least, most = OPTION_LIMITS
    if not least <= len(names) <= most:
        raise ValueError(f"VOTE_OPTIONS: {len(names)} option(s) given, {least} to {most} are possible")
    if not all(0 < len(name) <= LONGEST_OPTION for name in names):
        raise ValueError(f"VOTE_OPTIONS: every option needs a name of 1 to {LONGEST_OPTION} characters")
    if any(map(has_control_characters, names)):
        raise ValueError("VOTE_OPTIONS: an option's name has a line break or another control character")
    if len({name.casefold() for name in names}) < len(names):
        raise ValueError("VOTE_OPTIONS: two options have the same name")
