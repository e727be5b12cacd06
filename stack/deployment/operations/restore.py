"""`deploy.py restore`: what a backup gives back."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from deployment.engine import backup as runner
from deployment.engine.machine.engine import Client
from deployment.errors import DeployError
from deployment.plan.cluster import drills
from deployment.progress import Progress


def drill(client: Client, progress: Progress, label: str, to: datetime | None) -> dict[str, Any]:
    """Restore a backup, by default the newest, beside everything else, and return what was found.

    With `to` the copy is of that moment, else of the last one in the store.

    Raises DeployError, with the code of a drill that could not run, where nobody here can make it.
    """
    try:
        container = runner.container(client)
    except DeployError as error:
        raise _not_run(error.what, error.remedy) from error
    with progress.task("Restoring a backup beside everything else") as task:
        printed, said, code = runner.watched(client, container, task.detail, *_program(label, to))
    report = _report(printed)
    if report is None or drills.EXIT_CODES.get(report["outcome"]) != code:
        raise _not_run(
            f"The drill ended before it could say anything (exit code {code}). Production was not touched.",
            "Look at `python3 deploy.py logs backup`, then run this again.",
            said,
        )
    return report


def _program(label: str, to: datetime | None) -> Sequence[str]:
    chosen = [*(("--backup", label) if label else ()), *(("--to", to.isoformat()) if to else ())]
    return (*runner.PROGRAM, "drill", *chosen)


def _report(printed: str) -> dict[str, Any] | None:
    """Return what a drill printed last, None if that is no report."""
    try:
        found = json.loads(printed.splitlines()[-1])
    except (ValueError, IndexError):
        return None
    return found if isinstance(found, dict) and "outcome" in found else None


def _not_run(what: str, remedy: str, evidence: Sequence[str] = ()) -> DeployError:
    return DeployError(what, remedy, list(evidence), code=drills.COULD_NOT_RUN)
