"""What this node's data holds, asked of Redis itself before it may serve anybody."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, cast

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from redis_gate.damage import append_only_damage, refusal
from redis_gate.redis_decision import Position

STREAM = "votes"
LOOK_AGAIN_SECONDS = 0.05
NOTHING = "0-0"

log = structlog.get_logger()


@dataclass(frozen=True)
class Reading:
    """The ID of the last entry ever added to the stream, settled or not, or why the files cannot be used.

    Neither is known where Redis says nothing.
    """

    newest: str | None = None
    damage: str | None = None


def read(data: Path, runtime: Path, seconds: float = inf) -> Reading:
    """Let Redis read its files, for so long, for nobody but this process."""
    damage = append_only_damage(data)
    if damage is not None:
        return Reading(damage=damage)
    words = runtime / "look.log"
    try:
        with _reading(data, runtime / "look.sock", words) as server:
            return Reading(_last(server, runtime / "look.sock", seconds))
    except (redis.RedisError, OSError) as error:
        log.error("cannot read how far the data goes", error=str(error))
        return Reading(damage=refusal(server.returncode, words.read_text(encoding="utf-8", errors="replace")))


def parse(entry: str) -> Position:
    """Read an entry's ID, `1795352128858-3`; raise ValueError."""
    moment, number = entry.split("-")
    return int(moment), int(number)


@contextmanager
def _reading(data: Path, address: Path, words: Path) -> Iterator[subprocess.Popen[bytes]]:
    address.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with words.open("wb") as log_file:
        server = subprocess.Popen(
            [
                *("redis-server", "--port", "0", "--unixsocket", str(address), "--unixsocketperm", "700"),
                *("--dir", str(data), "--appendonly", "yes", "--save", ""),
                *("--auto-aof-rewrite-percentage", "0"),
            ],
            stdout=log_file,
        )
    try:
        yield server
    finally:
        server.terminate()
        server.wait()


def _last(server: subprocess.Popen[bytes], address: Path, seconds: float) -> str:
    with redis.Redis(
        unix_socket_path=str(address), retry=Retry(NoBackoff(), 0), decode_responses=True, protocol=2
    ) as client:
        _wait_until_read(server, client, seconds)
        if not client.exists(STREAM):
            return NOTHING
        return str(cast(dict[str, Any], client.xinfo_stream(STREAM))["last-generated-id"])


def _wait_until_read(server: subprocess.Popen[bytes], client: redis.Redis, seconds: float) -> None:
    limit = time.monotonic() + seconds
    while True:
        try:
            client.ping()
        except (redis.ConnectionError, redis.BusyLoadingError):
            if server.poll() is not None or time.monotonic() > limit:
                raise
            time.sleep(LOOK_AGAIN_SECONDS)
        else:
            return
