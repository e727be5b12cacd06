"""When another recovery kit is due."""

from collections.abc import Collection
from dataclasses import dataclass

MAKE = "python3 deploy.py kit make FILE"


@dataclass(frozen=True)
class Made:
    """When and by whom the last kit was made, the names of its secrets, and the store of the backups.

    A kit that `deploy.py` of before made says nothing of the store: None.
    """

    at: str  # RFC 3339
    by: str
    names: tuple[str, ...]
    store: str | None


def due(made: Made | None, names: Collection[str], store: str) -> list[str]:
    """Say why another kit is due, in one line; nothing where none is.

    `store` names where the backups are now, and is empty where none are made.
    """
    if made is None:
        never = "the stack is backed up, but nobody has a recovery kit to read the backups with"
        return [never] if store else []
    newer = sorted(set(names) - set(made.names))
    if not newer:
        moved = store and made.store not in (None, store)
        return (
            [f"the backups are in another store than the recovery kit of {made.at[:10]} says"]
            if moved
            else []
        )
    what = f"{newer[0]} is" if len(newer) == 1 else f"{len(newer)} secrets, {newer[0]} among them, are"
    return [f"{what} newer than the recovery kit of {made.at[:10]}"]
