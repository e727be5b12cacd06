"""Start this node: `python -m redis_gate redis` or `python -m redis_gate sentinel`; or move the primary."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from redis_gate import logs, switchover
from redis_gate.container import memory_limit
from redis_gate.environment import SettingError, refuse
from redis_gate.redis_start import start_redis
from redis_gate.sentinel_start import start_sentinel
from redis_gate.settings import node_names, redis_settings, sentinel_settings

USAGE = "usage: python -m redis_gate redis|sentinel|switchover PRIMARY HEIR"
# What the supervisor adds when Redis, in this container, refused to start.
REFUSED = "refused"


def main(arguments: list[str]) -> NoReturn:
    """Become Redis or Sentinel; exit with 2 when a setting is wrong, with 0 when told to stop."""
    signal.signal(signal.SIGTERM, _stop)
    logs.configure()
    try:
        if arguments in (["redis"], ["sentinel"]):
            _start_companion(node_names(os.environ))
        _start(arguments)
    except SettingError as error:
        refuse(error)


def _start_companion(nodes: Sequence[str]) -> None:
    """Start what lives as long as the container; it needs no package."""
    subprocess.Popen((sys.executable, "-S", "-m", "redis_gate.companion", *nodes))


def _start(arguments: list[str]) -> NoReturn:
    match arguments:
        case ["redis"]:
            start_redis(redis_settings(os.environ, memory_limit()))
        case ["redis", refused] if refused == REFUSED:
            start_redis(redis_settings(os.environ, memory_limit()), refused=True)
        case ["sentinel"]:
            start_sentinel(sentinel_settings(os.environ))
        case ["switchover", primary, heir]:
            switchover.run(redis_settings(os.environ).cluster, primary, heir)
        case _:
            refuse(USAGE)


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
