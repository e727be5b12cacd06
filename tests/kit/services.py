"""The services as processes of this machine, exactly as their images start them."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from urllib.error import URLError
from urllib.request import urlopen

import psutil

from deployment.configuration.layout import ROOT
from kit.waiting import wait_until

GUNICORN = ("-m", "gunicorn")
START_SECONDS = 30.0
# Below those that the kernel gives to connections, and the engine to containers.
PORTS = range(20_000, 30_000)


def free_port() -> int:
    """Return a port that nobody listens on now, and that no connection takes before it is used."""
    while True:
        port = random.choice(PORTS)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


class Service:
    """A running service."""

    def __init__(self, folder: str, command: tuple[str, ...], environment: Mapping[str, str]):
        self.url = f"http://127.0.0.1:{environment.get('PORT', '')}"
        self._process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT / folder,
            # Of several on this machine one alone could have the port.
            env={"PATH": os.environ["PATH"], "METRICS_PORT": "0", **environment},
        )

    @property
    def memory_bytes(self) -> int:
        """What the process and all that it started hold in memory."""
        process = psutil.Process(self._process.pid)
        return sum(each.memory_info().rss for each in (process, *process.children(recursive=True)))

    def wait_ready(self, path: str = "/readyz") -> None:
        """Return when its page says that it is ready."""
        wait_until(lambda: self._answers(path), START_SECONDS)

    def ask_to_end(self) -> None:
        """Send SIGTERM."""
        self._process.send_signal(signal.SIGTERM)

    def wait(self, within: float = 40.0) -> int:
        """Return its exit code when it has ended."""
        return self._process.wait(within)

    def terminate(self) -> int:
        """Ask it to end and return its exit code."""
        self.ask_to_end()
        return self.wait()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()

    def signal_all(self, number: signal.Signals) -> None:
        """Send a signal to the process and to all that it started."""
        process = psutil.Process(self._process.pid)
        for each in (process, *process.children(recursive=True)):
            each.send_signal(number)

    def _answers(self, path: str) -> bool:
        assert self._process.poll() is None, "the service ended"
        try:
            with urlopen(self.url + path, timeout=2) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False
