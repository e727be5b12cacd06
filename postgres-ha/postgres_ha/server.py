"""The local PostgreSQL server as a child process."""

import signal
import subprocess
from pathlib import Path

import structlog

log = structlog.get_logger()

FAST_STOP_SECONDS = 15
IMMEDIATE_STOP_SECONDS = 5


class Server:
    """Start and stop one postgres process on one data directory."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the process lives; it need not accept connections yet."""
        return self._process is not None and self._process.poll() is None

    def start(self, *options: str) -> None:
        """Start the server. The caller holds the volume's lock, so a lock file here is stale."""
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        self._process = subprocess.Popen(["postgres", "-D", str(self._data), *options])

    def stop(self) -> None:
        """Stop the server: fast, which flushes everything to the standbys, or else at once."""
        if self._process is None:
            return
        for number, seconds in (
            (signal.SIGINT, FAST_STOP_SECONDS),
            (signal.SIGQUIT, IMMEDIATE_STOP_SECONDS),
        ):
            self._process.send_signal(number)
            try:
                self._process.wait(seconds)
                break
            except subprocess.TimeoutExpired:
                log.warning("server does not stop", signal=number.name, seconds=seconds)
        else:
            self._process.kill()
            self._process.wait()
        self._process = None
