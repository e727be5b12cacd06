"""Files of the user that become secrets of the Swarm; a bad one is a ValueError that does not quote it."""

from pathlib import Path

# What Swarm takes for one secret.
MOST_SECRET_BYTES = 500_000


def absolute(value: str) -> str:
    """Return the absolute path of a file; empty if there is none."""
    return str(Path(value).expanduser().resolve()) if value else value


def content(value: str) -> bytes:
    """Return what is in a file, if a secret can hold it."""
    path = Path(value).expanduser()
    try:
        found = path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from error
    if len(found) > MOST_SECRET_BYTES:
        raise ValueError(f"{path} is too large: a secret has at most {MOST_SECRET_BYTES} bytes")
    return found
