"""The file of the votes that came after the moment to which a stack was brought back."""

import os
import socket
from collections.abc import Iterable
from pathlib import Path

from deployment.errors import DeployError
from deployment.plan import restoration as plan


def read(file: Path) -> tuple[int, int] | None:
    """Return how many votes a file has, and the sum of their versions; None where it is no such file."""
    try:
        with file.open(encoding="utf-8") as lines:
            return plan.added(lines)
    except (OSError, ValueError, KeyError):
        return None


def by_option(file: Path) -> dict[str, int]:
    """Return how many votes of each option a file has; raise OSError or ValueError."""
    with file.open(encoding="utf-8") as lines:
        return plan.by_option(lines)


def place(file: Path) -> str:
    """Return where a file is, as machine:path: another manager may have another one of that name."""
    return f"{socket.gethostname()}:{file}"


def require_place(file: Path, *, own: bool) -> None:
    """Raise DeployError where the file cannot be written, or exists and is not of the same restoration."""
    why = ""
    if not file.parent.is_dir() or not os.access(file.parent, os.W_OK):
        why = "you cannot write to its folder"
    elif file.is_dir() or (file.exists() and not own):
        why = "it exists"
    if why:
        raise DeployError(
            f"The votes that came after that moment cannot be written to {file}: {why}.",
            "Nothing was changed. Name another file with --export.",
        )


def write(file: Path, lines: Iterable[str]) -> None:
    """Write a file that only its owner can read, whole or not at all; raise OSError."""
    part = file.with_name(f"{file.name}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        out.writelines(lines)
        out.flush()
        os.fsync(out.fileno())
    part.replace(file)
