"""When another recovery kit is due."""

from collections.abc import Collection
from dataclasses import dataclass

MAKE = "python3 deploy.py kit make FILE"


@dataclass(frozen=True)
class Made:
    """When and by whom the last kit was made, and the names of the secrets that it holds."""

    at: str  # RFC 3339
    by: str
    names: tuple[str, ...]


def due(made: Made | None, names: Collection[str], *, backed_up: bool) -> list[str]:
    """Say why another kit is due, in one line; nothing where none is."""
    if made is None:
        never = "the stack is backed up, but nobody has a recovery kit to read the backups with"
        return [never] if backed_up else []
    newer = sorted(set(names) - set(made.names))
    if not newer:
        return []
    what = f"{newer[0]} is" if len(newer) == 1 else f"{len(newer)} secrets, {newer[0]} among them, are"
    return [f"{what} newer than the recovery kit of {made.at[:10]}"]
