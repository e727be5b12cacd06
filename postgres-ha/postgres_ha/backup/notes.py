"""Notes on the runner's volume: small files of JSON, whole or not there."""

import json
from pathlib import Path
from typing import Any

from postgres_ha.backup.repository import write_private

RESTORED, DRILL, SEEN = "restored.json", "drill.json", "seen.json"


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
