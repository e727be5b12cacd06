"""Who may order certificates: a row with an end, which survives a failover of the database.

An advisory lock would not: it ends with its connection.
"""

from __future__ import annotations

from datetime import datetime

from certificates.errors import ServiceError
from certificates.state.database import Connection

# Whoever has it goes on with it, also meanwhile: so often that a failover of the database does not cost it.
LEASE_SECONDS = 20
RENEWAL_SECONDS = LEASE_SECONDS / 5

TAKE = """
INSERT INTO certificates.lease AS l (holder, fence, until)
VALUES (%(holder)s, 1, clock_timestamp() + %(seconds)s * interval '1 second')
ON CONFLICT (only_row) DO UPDATE SET
    holder = excluded.holder,
    until = excluded.until,
    fence = l.fence + CASE WHEN l.holder = excluded.holder THEN 0 ELSE 1 END
WHERE l.holder = excluded.holder OR l.until < clock_timestamp()
RETURNING fence, clock_timestamp() AS now
"""
RELEASE = "UPDATE certificates.lease SET until = '-infinity' WHERE holder = %s"
# Locked until the writer's commit: nobody takes the lease over in between.
CHECK = "SELECT FROM certificates.lease WHERE fence = %s FOR UPDATE"


class LeaseLostError(ServiceError):
    """Another copy has the lease by now; nothing was written."""


def take(connection: Connection, holder: str) -> tuple[int, datetime] | None:
    """Take the lease, or go on with it; return its fence and the time, or None where another copy has it."""
    row = connection.execute(TAKE, {"holder": holder, "seconds": LEASE_SECONDS}).fetchone()
    return (row["fence"], row["now"]) if row else None


def release(connection: Connection, holder: str) -> None:
    """Let others have the lease at once."""
    connection.execute(RELEASE, (holder,))


def check(connection: Connection, fence: int) -> None:
    """Raise LeaseLostError unless this fence is the last one, until the transaction's end."""
    if connection.execute(CHECK, (fence,)).rowcount != 1:
        raise LeaseLostError("another copy has the lease")
