"""Run Redis, and let the gate decide anew when it refuses its files.

It needs no package and lives as long as the container, so keep it small.
"""

import os
import signal
import subprocess
import sys
from types import FrameType
from typing import NoReturn

# How Redis ends, by itself, where it cannot use its files: mostly it says so, sometimes it crashes.
REFUSALS = (1, -signal.SIGABRT, -signal.SIGSEGV)


class Supervisor:
    """One Redis, and whether it was told to stop."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[bytes] | None = None
        self._told = False

    def run(self, config: str) -> NoReturn:
        """Pass signals on, and end as Redis ended."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._pass_on)
        self._server = subprocess.Popen(("redis-server", config))
        if self._told:
            self._server.terminate()
        code = self._server.wait()
        if code in REFUSALS and not self._told:
            os.execv(sys.executable, (sys.executable, "-m", "redis_gate", "redis", "refused"))
        sys.exit(code if code >= 0 else 128 - code)

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        self._told = True
        if self._server is not None:
            self._server.send_signal(number)


if __name__ == "__main__":
    Supervisor().run(sys.argv[1])
