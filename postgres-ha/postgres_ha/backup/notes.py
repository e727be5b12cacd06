"""Notes on the runner's volume: small files of JSON, whole or not there."""

import json
from pathlib import Path
from typing import Any

from postgres_ha.backup.repository import write_private

RESTORED, DRILL, SEEN = "restored.json", "drill.json", "seen.json"
# The store that they are of.
STORE = "store.json"


def read(folder: Path, name: str) -> dict[str, Any]:
    """Return a note; empty where there is none, or it is damaged."""
    try:
        found = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write(folder: Path, name: str, note: dict[str, Any]) -> None:
    """Keep a note; raise OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(folder / name, json.dumps(note))


def begin(folder: Path, place: str) -> None:
    """Keep notes of this store: those of another one are not true of it, and go. Raise OSError."""
    if read(folder, STORE).get("place") == place:
        return
    for name in (RESTORED, DRILL, SEEN):
        (folder / name).unlink(missing_ok=True)
    write(folder, STORE, {"place": place})
