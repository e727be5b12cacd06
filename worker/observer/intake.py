"""Sets whether votes are taken, and says what then waits: `python -m observer.intake [STATE [SECONDS]]`.

A state is one of STATES; with SECONDS it ends after so many, and the intake is open again. Without a state
nothing is set. Prints one JSON object: `pending`, the number of entries that were in the queue after that.
Exit codes: 0 it is set, on the primary and a replica; 1 it may not be; 2 it was not asked for like this.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from redis.exceptions import RedisError

from observer import settings
from worker.access import connect_queue
from worker.stream import STREAM

INTAKE = "votes:intake"
STATES = ("open", "draining", "closed", "maintenance")
REPLICAS, WAIT_MILLISECONDS = 1, 1000


def set_intake(client: Any, state: str, seconds: int | None) -> None:
    """Set the state; raise RedisError if it may be lost again with the primary."""
    client.set(INTAKE, state, ex=seconds)
    if client.wait(REPLICAS, WAIT_MILLISECONDS) < REPLICAS:
        raise RedisError("no replica confirmed it")


def parse(words: Sequence[str]) -> tuple[str, int | None]:
    """Return the state, empty for none, and for how many seconds, None for good; raise ValueError."""
    state, seconds = [*words, "", ""][:2]
    if len(words) > 2 or (words and state not in STATES) or (seconds and int(seconds) <= 0):
        raise ValueError(words)
    return state, int(seconds) if seconds else None


def main() -> None:
    """Do what the command line says."""
    try:
        state, seconds = parse(sys.argv[1:])
    except ValueError:
        sys.stderr.write(f"ERROR: say one of {', '.join(STATES)}, and perhaps for how many seconds\n")
        sys.exit(2)
    access = settings.load().access
    client: Any = connect_queue(access, access.redis_host)
    try:
        if state:
            set_intake(client, state, seconds)
        # Redis does one thing after another: none came in between.
        print(json.dumps({"pending": client.xlen(STREAM)}))
    except (RedisError, OSError) as error:
        sys.exit(f"ERROR: the intake may not be set: {error}")


if __name__ == "__main__":
    main()
