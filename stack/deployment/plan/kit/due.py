"""When another recovery kit is due."""

from collections.abc import Collection
from dataclasses import dataclass

MAKE = "python3 deploy.py kit make FILE"


@dataclass(frozen=True)
class Made:
    """When and by whom the last kit was made, the names of its secrets, and how the backups are reached.

    A kit that was made before this was kept says nothing of that: None.
    """

    at: str  # RFC 3339
    by: str
    names: tuple[str, ...]
    store: str | None


def due(made: Made | None, names: Collection[str], store: str) -> list[str]:
    """Say why another kit is due, in one line; nothing where none is.

    `store` says how the backups are reached now, and is empty where none are made.
    """
    if made is None:
        never = "the stack is backed up, but nobody has a recovery kit to read the backups with"
        return [never] if store else []
    if newer := sorted(set(names) - set(made.names)):
        what = f"{newer[0]} is" if len(newer) == 1 else f"{len(newer)} secrets, {newer[0]} among them, are"
        return [f"{what} newer than the recovery kit of {made.at[:10]}"]
    if store and made.store not in (None, store):
        return [f"the backups are reached in another way than the recovery kit of {made.at[:10]} says"]
    return []
