"""One at a time: two `up` or `down` on a machine would undo each other's work, two runs of the faults mix."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from deployment.configuration.layout import STACK
from deployment.errors import DeployError

# The same for all users, whatever their TMPDIR is.
FOLDER = Path("/tmp")  # noqa: S108
LOCK_FILE = FOLDER / f"{STACK}-deploy.lock"
LAB_LOCK_FILE = FOLDER / f"{STACK}-lab.lock"


def _opened(path: Path, holder: str) -> IO[str]:
    try:
        # To create what is there already is refused to root, too, where the kernel protects what is in /tmp.
        return path.open("r+" if path.exists() else "a+")
    except PermissionError as error:
        raise DeployError(
            f"{path}, the lock of {holder}, is another user's.",
            "Run this as that user, or as root.",
        ) from error


@contextmanager
def held(
    path: Path | None = None, holder: str = "command of deploy.py that changes something"
) -> Iterator[None]:
    """Hold a lock of the machine; the kernel lets go of it however the process ends.

    Raises DeployError at once, with the process that holds it, if another copy does.
    """
    path = path or LOCK_FILE
    with _opened(path, holder) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DeployError(
                f"Another {holder} is at work on this machine (process {path.read_text().strip()}).",
                "Wait until it has finished, then run this again.",
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
