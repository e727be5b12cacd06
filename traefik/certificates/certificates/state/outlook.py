"""What the holder of the lease has in mind: for people to read, and for its successor to keep to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from certificates.state.database import Connection


@dataclass(frozen=True)
class Outlook:
    """A problem that is not over, the failures in a row so far, and when the next attempt is made."""

    problem: str = ""
    warning: str = ""
    failures: int = 0
    next_try: datetime | None = None
    caa: str = ""


def read(connection: Connection, authority: str, names: tuple[str, ...]) -> Outlook | None:
    """Return what was written for these names at this authority; None if it was for others."""
    row = connection.execute(
        "SELECT problem, warning, failures, next_try, caa FROM certificates.outlook "
        "WHERE authority = %s AND names = %s",
        (authority, list(names)),
    ).fetchone()
    return Outlook(**row) if row else None


def write(connection: Connection, authority: str, names: tuple[str, ...], outlook: Outlook) -> None:
    """Store it in place of what was there."""
    connection.execute(
        "INSERT INTO certificates.outlook (authority, names, problem, warning, failures, next_try, caa) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (only_row) DO UPDATE SET "
        "authority = excluded.authority, names = excluded.names, problem = excluded.problem, "
        "warning = excluded.warning, failures = excluded.failures, next_try = excluded.next_try, "
        "caa = excluded.caa",
        (
            *(authority, list(names), outlook.problem, outlook.warning, outlook.failures),
            *(outlook.next_try, outlook.caa),
        ),
    )
