"""Sets whether votes are taken, and says what then waits: `python -m observer.intake STATE`.

A state is one of STATES. Prints one JSON object: `intake`, the state as it is now, and `pending`, the number
of entries that were in the queue after it was set. Exit codes: 0 it is set, on the primary and a replica; 1
it may not be; 2 it was not asked for as described here.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from redis.exceptions import RedisError

from observer import settings
from worker.access import connect_queue
from worker.stream import STREAM

INTAKE = "votes:intake"
STATES = ("open", "draining", "closed", "maintenance")
REPLICAS, WAIT_MILLISECONDS = 1, 1000


def set_intake(client: Any, state: str) -> dict[str, Any]:
    """Set the state; return it and the number of entries that waited after that.

    No entry comes in between, since Redis does one thing after another. Raises RedisError if it may be lost
    again with the primary.
    """
    client.set(INTAKE, state)
    if client.wait(REPLICAS, WAIT_MILLISECONDS) < REPLICAS:
        raise RedisError("no replica confirmed it")
    return {"intake": state, "pending": client.xlen(STREAM)}


def main() -> None:
    """Do what the command line says."""
    if sys.argv[1:] not in [[state] for state in STATES]:
        sys.stderr.write(f"ERROR: say one of: {', '.join(STATES)}\n")
        sys.exit(2)
    access = settings.load().accounts[0]
    try:
        print(json.dumps(set_intake(connect_queue(access, access.redis_host), sys.argv[1])))
    except (RedisError, OSError) as error:
        sys.exit(f"ERROR: the intake may not be set: {error}")


if __name__ == "__main__":
    main()
