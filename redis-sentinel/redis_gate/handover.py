"""The last step of a gate: write what a server reads, and become that server."""

import os
from pathlib import Path
from typing import NoReturn

from redis_gate.environment import SettingError

DATA = Path("/data")
RUNTIME = Path("/run/redis")


def require_access(path: Path) -> None:
    """Raise SettingError unless this process may do in a directory what a server does there."""
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise SettingError(
            f"{path}: user {os.getuid()} cannot read and write there; give it the volume, for instance with "
            f"docker run --rm -u 0 -v VOLUME:{path} --entrypoint chown IMAGE -R {os.getuid()} {path}"
        )


def write_private(path: Path, text: str) -> str:
    """Write a file that only its owner may read, all of it or nothing; return its name."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return str(path)


def become(*command: str) -> NoReturn:
    """Replace this process; files that the server rewrites stay private."""
    os.umask(0o077)
    os.execvp(command[0], command)
