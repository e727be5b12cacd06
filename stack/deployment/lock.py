"""One change at a time: two copies of `up` or `down` on a machine would undo each other's work."""

import fcntl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deployment.errors import DeployError
from deployment.layout import STACK

LOCK_FILE = Path(tempfile.gettempdir()) / f"{STACK}-deploy.lock"


@contextmanager
def held() -> Iterator[None]:
    """Hold the machine's lock; the kernel lets go of it however the process ends.

    Raises DeployError at once if another copy holds it.
    """
    with LOCK_FILE.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DeployError(
                "Another `deploy.py up` or `down` is at work on this machine.",
                "Wait until it has finished, then run this again.",
            ) from error
        yield
