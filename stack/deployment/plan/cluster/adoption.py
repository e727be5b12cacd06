"""Giving the store of a database that is gone to the present one: what is asked, and what is said."""

from collections.abc import Mapping
from typing import Any

NOTHING = "The store belongs to this database, and has a backup of it. There is nothing to do."
GIVEN = "The store belongs to this database now. WAL that waits is stored within a minute or two"
_EMPTY = (
    "This database has no votes. To have those of the store back, answer no, and run "
    "`python3 deploy.py restore --to latest` first: it would mean this database afterwards. "
)


def question(found: Mapping[str, Any]) -> str:
    """Return what is asked before, by what the runner found."""
    last = f", the last of {found['last'][:16].replace('T', ' ')} UTC" if found["last"] else ""
    return (
        f"The store belongs to database {found['store']}, and this one is {found['database']}. The store has "
        f"{found['backups']} backups{last}. They stay until there are two full ones of this database. "
        f"{'' if found['voted'] or not found['backups'] else _EMPTY}"
        "Is the former database gone for good, so that this one can have its store?"
    )
