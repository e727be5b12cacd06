"""What the runner is asked for and what it answers: files in its container, gone with it."""

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from postgres_ha.backup import notes
from postgres_ha.errors import ServiceError

ORDER, STATUS = "order.json", "status.json"
LOOK_SECONDS = 0.5
# The runner writes its status every few seconds, whatever it does.
SILENT_SECONDS = 30.0
ACCEPTED_SECONDS = 30.0


class OrderError(ServiceError):
    """What was asked for was not done; the message says why."""


def waits(folder: Path) -> bool:
    """Whether an order waits."""
    return (folder / ORDER).exists()


def take(folder: Path) -> dict[str, Any] | None:
    """Return the order that waits and take it away; None if there is none."""
    order = notes.read(folder, ORDER)
    if not order:
        return None
    (folder / ORDER).unlink(missing_ok=True)
    return order


def status(folder: Path) -> dict[str, Any]:
    """Return what the runner last said; raise OrderError if it is silent."""
    try:
        age = time.time() - (folder / STATUS).stat().st_mtime
    except OSError as error:
        raise OrderError("no runner is at work in this container yet") from error
    if age > SILENT_SECONDS:
        raise OrderError(f"the runner has said nothing for {age:.0f} s")
    return notes.read(folder, STATUS)


def backup(folder: Path, kind: str) -> Iterator[dict[str, Any]]:
    """Ask for a backup and yield how it comes on, at the end its label; raise OrderError if it fails.

    A backup that is being made already counts, and so does one that is asked for already.
    """
    running = status(folder).get("running") or notes.read(folder, ORDER)
    wanted = running.get("id") or uuid.uuid4().hex
    if not running:
        notes.write(folder, ORDER, {"id": wanted, "type": kind})
    asked = time.monotonic()
    while True:
        said = status(folder)
        last, running = said.get("last") or {}, said.get("running") or {}
        if last.get("id") == wanted:
            break
        if not running and time.monotonic() - asked > ACCEPTED_SECONDS:
            raise _not_taken(folder, str(said.get("problem") or ""))
        yield {"running": running.get("id") == wanted, "percent": running.get("percent")}
        time.sleep(LOOK_SECONDS)
    if last.get("error"):
        raise OrderError(str(last["error"]))
    yield {"label": last["label"], "type": last["type"]}


def _not_taken(folder: Path, problem: str) -> OrderError:
    """Take the order back, so that it is not carried out at a time when nobody thinks of it, and say why."""
    if take(folder) is None:
        return OrderError("the runner was started anew while it was at it")
    reason = problem or "the store is not ready, or there is no primary"
    return OrderError(f"no backup was begun: {reason}")
