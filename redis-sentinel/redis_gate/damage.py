"""Files that cannot be used: which they are, and where they are kept."""

import os
import re
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from redis_gate.supervisor import REFUSALS

APPEND_ONLY = "appendonlydir"
MANIFEST = "appendonly.aof.manifest"
# What an append-only directory without a single key takes up, at most.
EMPTY_APPEND_ONLY_BYTES = 128
KEPT = 2

_WORDS = re.compile(r"^\d+:[A-Z] .*? # (?!WARNING)(.*\S)", re.MULTILINE)
_NAMED = re.compile(r"^file (\S+) seq \d+ type ([bhi])\b", re.MULTILINE)
_PART = re.compile(r"\.(\d+)\.(base|incr)\.")


def holds_data(data: Path) -> bool:
    """Tell whether an append-only directory holds more than the frame of an empty one, or cannot be read."""
    try:
        return sum(_sizes(data).values()) > EMPTY_APPEND_ONLY_BYTES
    except OSError:
        return True


def append_only_damage(data: Path) -> str | None:
    """Say what Redis would not notice: it starts empty, or with a part, where the manifest lacks files."""
    manifest = data / APPEND_ONLY / MANIFEST
    try:
        sizes = _sizes(data)
        text = manifest.read_text(encoding="utf-8", errors="replace") if manifest.exists() else None
    except OSError as error:
        return f"cannot read {error.filename}: {error.strerror}"
    return manifest_damage(text, sizes)


def manifest_damage(manifest: str | None, sizes: Mapping[str, int]) -> str | None:
    """Compare a manifest with the files, by name and size in bytes, that lie beside it.

    A base without a name, or an older increment, is what a rewrite leaves that was cut short.
    """
    if manifest is None:
        lost = sum(sizes.values()) > EMPTY_APPEND_ONLY_BYTES
        return f"{MANIFEST} is missing" if lost else None
    named = dict(_NAMED.findall(manifest))
    kinds = set(named.values())
    last = max((_number(name) for name in named if named[name] == "i"), default=0)
    for name, size in sizes.items():
        if named.get(name) == "b" and size == 0:
            return f"{name} is empty"
        later = ".incr." in name and _number(name) > last
        if size and name not in named and (later or (".base." in name and "b" not in kinds)):
            return f"{MANIFEST} does not name {name}"
    return None


def refusal(code: int | None, log: str) -> str | None:
    """Say in Redis' own words why it refused its files; None where its end has another reason."""
    if code not in REFUSALS or "No space left on device" in log:
        return None
    words = _WORDS.findall(log)
    return words[-1] if code == 1 and words else f"Redis ended with {code} while it read its files"


def set_aside(path: Path, moment: datetime | None = None) -> Path:
    """Rename a file or directory within its volume, and forget all but the newest that were set aside.

    Raises OSError.
    """
    stamp = (moment or datetime.now(UTC)).strftime("%Y%m%dT%H%M%S%fZ")
    kept = path.rename(path.with_name(f"{path.name}.damaged-{stamp}"))
    for old in sorted(path.parent.glob(f"{path.name}.damaged-*"))[:-KEPT]:
        if old.is_dir():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.unlink()
    return kept


def _sizes(data: Path) -> dict[str, int]:
    directory = data / APPEND_ONLY
    if not directory.exists():
        return {}
    return {part.name: part.stat().st_size for part in os.scandir(directory) if _PART.search(part.name)}


def _number(name: str) -> int:
    found = _PART.search(name)
    return int(found.group(1)) if found else 0
