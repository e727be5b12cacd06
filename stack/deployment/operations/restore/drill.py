"""`deploy.py restore`: what a backup gives back."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from urllib3.exceptions import HTTPError

from deployment.engine import backup as runner
from deployment.engine.machine.engine import Client, EngineError
from deployment.errors import DeployError
from deployment.operations.runner import operation
from deployment.plan.cluster import drills
from deployment.progress import Progress


def drill(
    connect: Callable[[], Client], progress: Progress, label: str, to: datetime | None
) -> dict[str, Any]:
    """Restore a backup, by default the newest, beside everything else, and return what was found.

    With `to` the copy is of that moment, else of the last one in the store.

    Raises DeployError, with the code of a drill that could not run, where nobody here can make it, or
    nobody hears how it ends.
    """
    try:
        client = connect()
        with progress.task("Restoring a backup beside everything else") as task:
            printed, said, code = runner.watched(client, task.detail, *_verb(label, to))
    except (DeployError, EngineError, HTTPError, OSError) as error:
        found = operation.readable(error)
        raise _not_run(found.what, found.remedy, found.evidence) from error
    report = _report(printed)
    if report is None or drills.EXIT_CODES.get(report["outcome"]) != code:
        ended = "its container has ended" if code is None else f"exit code {code}"
        raise _not_run(
            f"The drill ended before it could say anything ({ended}). Production was not touched.",
            "Look at `python3 deploy.py logs backup`, then run this again.",
            said,
        )
    return report


def _verb(label: str, to: datetime | None) -> Sequence[str]:
    chosen = [*(("--backup", label) if label else ()), *(("--to", to.isoformat()) if to else ())]
    return ("drill", *chosen)


def _report(printed: str) -> dict[str, Any] | None:
    """Return what a drill printed last, None if that is no report."""
    try:
        found = json.loads(printed.splitlines()[-1])
    except (ValueError, IndexError):
        return None
    return found if isinstance(found, dict) and found.keys() >= drills.KEYS else None


def _not_run(what: str, remedy: str, evidence: Sequence[str] = ()) -> DeployError:
    return DeployError(what, remedy, list(evidence), code=drills.COULD_NOT_RUN)
