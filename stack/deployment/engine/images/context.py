"""What an image is built from, as the engine gets it: the files' names and content decide, and nothing else.

The umask of the clone, a share that knows no modes, the user and the clock are not in it.
"""

import codecs
import hashlib
import io
import os
import stat
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from docker.utils import exclude_paths

from deployment.errors import DeployError

CARRIAGE_RETURNS = "has Windows line ends (CRLF)"
BYTE_ORDER_MARK = "begins with a byte order mark"
REMEDIES = {
    CARRIAGE_RETURNS: "Convert all, then run this again; in the folder of deploy.py: "
    "grep -rlIZ --exclude-dir=.git --exclude-dir=.venv $'\\r' . | xargs -0 sed -i 's/\\r$//'",
    BYTE_ORDER_MARK: "Save it as UTF-8 without one, then run this again: sed -i '1s/^\\xEF\\xBB\\xBF//' FILE",
}
SHOWN = 15


@dataclass(frozen=True)
class File:
    """A file of a build context; `name` is its path in there."""

    name: str
    content: bytes

    @property
    def mode(self) -> int:
        """Mode in the image: everybody may read it, and run what begins as a script does."""
        return 0o755 if self.content.startswith(b"#!") else 0o644

    @property
    def modified(self) -> int:
        """Time of the last change, in seconds: it follows from the content.

        Flask tells the versions of a static file apart by time and size, so it cannot be the same for all.
        """
        return int.from_bytes(hashlib.sha256(self.content).digest()[:3])


def files(folder: Path) -> list[File]:
    """Return the files of a build context in order, without those that its .dockerignore leaves out.

    Raises DeployError naming one that is not a regular file or cannot be read.
    """
    ignored = folder / ".dockerignore"
    lines = ignored.read_text().splitlines() if ignored.exists() else []
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    paths = (folder / name for name in sorted(exclude_paths(str(folder), patterns)))
    return [
        File(path.relative_to(folder).as_posix(), _content(path))
        for path in paths
        if path.is_symlink() or not path.is_dir()
    ]


def archive(found: Iterable[File]) -> io.BytesIO:
    """Return the tar archive of a build context; of the same files the same bytes on every machine."""
    buffer = io.BytesIO()
    folders: set[str] = set()
    with tarfile.open(mode="w", fileobj=buffer) as tar:
        for file in found:
            for parent in reversed(PurePosixPath(file.name).parents[:-1]):
                if str(parent) not in folders:
                    folders.add(str(parent))
                    tar.addfile(_entry(str(parent), tarfile.DIRTYPE, 0o755))
            entry = _entry(file.name, tarfile.REGTYPE, file.mode)
            entry.size, entry.mtime = len(file.content), file.modified
            tar.addfile(entry, io.BytesIO(file.content))
    buffer.seek(0)
    return buffer


def fingerprint(found: Iterable[File]) -> bytes:
    """Return a hash of everything that the archive of these files holds."""
    digest = hashlib.sha256()
    for file in found:
        digest.update(os.fsencode(file.name) + b"\0%o\0" % file.mode)
        digest.update(hashlib.sha256(file.content).digest())
    return digest.digest()


def require_sound(folders: Iterable[Path], others: Iterable[Path], root: Path) -> None:
    """Raise DeployError naming the texts, in build contexts and others, that no Linux program would read.

    A checkout by git has none; an archive or a folder shared with Windows can.
    """
    found = {folder / file.name: file.content for folder in folders for file in files(folder)}
    found |= {path: _content(path) for path in others}
    flaws = {path.relative_to(root): flaw for path, content in found.items() if (flaw := _flaw(content))}
    if not flaws:
        return
    first, flaw = next(iter(flaws.items()))
    more = f", as do {len(flaws) - 1} more files" if len(flaws) > 1 else ""
    raise DeployError(
        f"{first} {flaw}{more}: programs in the containers would stumble over it. Nothing was built.",
        REMEDIES[flaw],
        [f"{path} {flaw}" for path, flaw in list(flaws.items())[:SHOWN]],
    )


def _entry(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = kind, mode
    return entry


def _content(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise DeployError(
                f"{path} is not a regular file, so it cannot be built into an image.",
                "Put what it leads to in its place, or remove it.",
            )
        return path.read_bytes()
    except OSError as error:
        raise DeployError(
            f"{path} cannot be read: {error.strerror}.",
            "Run this as the user that the checkout belongs to, or as root.",
        ) from error


def _flaw(content: bytes) -> str | None:
    if b"\0" in content:  # not a text
        return None
    if content.startswith(codecs.BOM_UTF8):
        return BYTE_ORDER_MARK
    return CARRIAGE_RETURNS if b"\r\n" in content else None
