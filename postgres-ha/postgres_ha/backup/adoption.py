"""A store that belongs to a database that is gone takes the one that serves as its successor."""

from pathlib import Path
from typing import Any, LiteralString

from postgres_ha.backup import verdict
from postgres_ha.backup.command import UPGRADE, change, look
from postgres_ha.backup.live import Live
from postgres_ha.backup.report import Contents, contents
from postgres_ha.errors import ServiceError

# The words by which `deploy.py` knows what to do.
FOREIGN = "the store belongs to another database"
_SYSTEM: LiteralString = "SELECT system_identifier::text FROM pg_control_system()"
_BEGUN: LiteralString = "SELECT to_regclass('public.votes') IS NOT NULL"
_VOTED: LiteralString = "SELECT EXISTS (SELECT FROM public.votes)"


class AdoptionError(ServiceError):
    """The store cannot take this database; the message says why."""


def foreign(store: str, database: str) -> str:
    """Say that the store belongs to another database, by their system identifiers; empty if it does not.

    Where one of them is not known, nobody can say so.
    """
    if not store or not database or store == database:
        return ""
    return f"{FOREIGN} ({store}): nothing of this one ({database}) is stored there"


def possible(conf: Path, live: Live) -> dict[str, Any]:
    """Return whose the store is, what it has, and whether this database has votes.

    Raises a ServiceError where the store is away or empty, or there is no primary, and psycopg.Error.
    """
    found = _store(conf)
    with live.connected() as connection:
        system, begun = (connection.execute(query).fetchone() for query in (_SYSTEM, _BEGUN))
        voted = connection.execute(_VOTED).fetchone() if begun and begun[0] else None
    return described(found, system=str(system[0]) if system else "", voted=bool(voted and voted[0]))


def described(found: Contents, *, system: str, voted: bool) -> dict[str, Any]:
    """Return as plain values what decides."""
    last = found.backups[-1].stop.isoformat() if found.backups else None
    foreigner = bool(foreign(found.system, system))
    return {
        "store": found.system,
        "database": system,
        "foreign": foreigner,
        "backups": len(found.backups),
        "last": last,
        "voted": voted,
        "stored": bool(found.newest) and not foreigner,
    }


def adopt(conf: Path, live: Live) -> dict[str, Any]:
    """Give the store to this database, and return what `possible` does; again, nothing is done.

    For the same database nothing is changed: other WAL of the same name stays an alarm. Raises as `possible`.
    """
    found = possible(conf, live)
    if not found["foreign"]:
        return found
    change(conf, UPGRADE)
    found = possible(conf, live)
    if found["foreign"]:
        raise AdoptionError(f"{FOREIGN} still ({found['store']})")
    return found


def _store(conf: Path) -> Contents:
    info = look(conf)
    found = contents(info)
    if not found.ready:
        raise AdoptionError(f"the store holds nothing of any database ({verdict.status(info)})")
    return found
