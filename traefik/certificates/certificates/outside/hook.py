"""DNS-01 by the operator's executable, which sets TXT records and takes them away again."""

import os
import signal
import time
from subprocess import DEVNULL, STDOUT, Popen, TimeoutExpired
from tempfile import TemporaryFile
from typing import IO

from certificates.errors import ServiceError
from certificates.outside.names import NamesError, Resolver

HOOK_SECONDS = 120.0
SEEN_SECONDS = 120.0
PAUSE_SECONDS = 2.0
MOST_BYTES = 1000


class HookError(ServiceError):
    """The hook did not do its work."""


class Hook:
    """Runs an executable as `PATH present|cleanup NAME VALUE`."""

    def __init__(self, path: str) -> None:
        self._path = path

    def present(self, name: str, value: str) -> None:
        """Set a TXT record; raise HookError."""
        self._run("present", name, value)

    def cleanup(self, name: str, value: str) -> None:
        """Take a TXT record away; raise HookError."""
        self._run("cleanup", name, value)

    def _run(self, action: str, name: str, value: str) -> None:
        command = (self._path, action, name, value)
        with TemporaryFile() as output:
            try:
                # A session of its own: what it starts ends with it.
                process = Popen(command, stdin=DEVNULL, stdout=output, stderr=STDOUT, start_new_session=True)
            except OSError as error:
                raise HookError(f"The hook {self._path} cannot be run: {error.strerror}") from error
            ended = _ended(process)
            if ended != "":
                raise HookError(f"The hook {' '.join(command[:3])} {ended}{_last_words(output)}")


def wait_for_text(
    resolver: Resolver, name: str, value: str, seconds: float = SEEN_SECONDS, pause: float = PAUSE_SECONDS
) -> None:
    """Return when DNS shows a TXT record; raise HookError if it does not in time."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            seen = resolver.texts(name)
            problem = f"it shows {', '.join(seen) or 'none'}"
        except NamesError as error:
            seen, problem = (), str(error)
        if value in seen:
            return
        if time.monotonic() + pause > deadline:
            raise HookError(f"DNS does not show the TXT record of {name} within {seconds:g} s: {problem}")
        time.sleep(pause)


def _ended(process: Popen[bytes]) -> str:
    """Wait for the end of a process, and say what was bad about it."""
    try:
        code = process.wait(HOOK_SECONDS)
    except TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return f"did not end within {HOOK_SECONDS:g} s"
    return f"ended with code {code}" if code else ""


def _last_words(output: IO[bytes]) -> str:
    output.seek(max(0, output.seek(0, os.SEEK_END) - MOST_BYTES))
    text = " ".join(output.read().decode(errors="replace").split())
    return f": {text}" if text else ""
