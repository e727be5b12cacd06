"""The local PostgreSQL server as a child process."""

import signal
import subprocess
from pathlib import Path
from typing import IO

import structlog

log = structlog.get_logger()

FAST_STOP_SECONDS = 15
IMMEDIATE_STOP_SECONDS = 5
LASTING_SECONDS = 60


class Starts:
    """Counts, in `failed`, the starts in a row that did not last."""

    def __init__(self) -> None:
        self.failed = 0
        self._began = float("-inf")

    def begin(self, now: float) -> None:
        """Note a start, in monotonic seconds: soon after another one, that one has failed."""
        self.failed = self.failed + 1 if now - self._began < LASTING_SECONDS else 0
        self._began = now

    def forgive(self) -> None:
        """Count anew: the server was stopped on purpose, or has other data."""
        self.failed = 0
        self._began = float("-inf")


class Server:
    """Start and stop one postgres process on one data directory."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = Starts()

    @property
    def running(self) -> bool:
        """Whether the process lives; it need not accept connections yet."""
        return self._process is not None and self._process.poll() is None

    def start(self, *options: str, log: IO[str] | None = None) -> None:
        """Start the server. The caller holds the volume's lock, so a lock file here is stale.

        What it says goes to the container's log, or to a file.
        """
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        self._process = subprocess.Popen(
            ["postgres", "-D", str(self._data), *options], stdout=log, stderr=log
        )

    def stop(self) -> None:
        """Stop the server: fast, which flushes everything to the standbys, or else at once."""
        self.starts.forgive()
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
