"""The newest entry that this node's data knows of, asked of Redis itself before it may serve anybody."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from redis_gate.decision import Position

STREAM = "votes"
READ_SECONDS = 60.0
LOOK_AGAIN_SECONDS = 0.05
NOTHING = "0-0"

log = structlog.get_logger()


def newest_entry(data: Path, runtime: Path) -> str | None:
    """Return the ID of the last entry ever added to the stream, settled or not; None if Redis does not say.

    Redis reads its files for nobody but this process, and ends.
    """
    address = runtime / "look.sock"
    try:
        with _reading(data, address) as server:
            return _last(server, address)
    except (redis.RedisError, OSError) as error:
        log.error("cannot read how far the data goes", error=str(error))
        return None


def parse(entry: str) -> Position:
    """Read an entry's ID, `1795352128858-3`; raise ValueError."""
    moment, number = entry.split("-")
    return int(moment), int(number)


@contextmanager
def _reading(data: Path, address: Path) -> Iterator[subprocess.Popen[bytes]]:
    address.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    server = subprocess.Popen(
        [
            *("redis-server", "--port", "0", "--unixsocket", str(address), "--unixsocketperm", "700"),
            *("--dir", str(data), "--appendonly", "yes", "--save", ""),
            *("--auto-aof-rewrite-percentage", "0"),
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        yield server
    finally:
        server.terminate()
        server.wait()


def _last(server: subprocess.Popen[bytes], address: Path) -> str:
    with redis.Redis(
        unix_socket_path=str(address), retry=Retry(NoBackoff(), 0), decode_responses=True, protocol=2
    ) as client:
        _wait_until_read(server, client)
        if not client.exists(STREAM):
            return NOTHING
        return str(cast(dict[str, Any], client.xinfo_stream(STREAM))["last-generated-id"])


def _wait_until_read(server: subprocess.Popen[bytes], client: redis.Redis) -> None:
    limit = time.monotonic() + READ_SECONDS
    while True:
        try:
            client.ping()
        except (redis.ConnectionError, redis.BusyLoadingError):
            if server.poll() is not None or time.monotonic() > limit:
                raise
            time.sleep(LOOK_AGAIN_SECONDS)
        else:
            return
