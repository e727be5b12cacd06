"""`deploy.py backup`: a backup is made now."""

from typing import Any

from deployment.engine import backup as runner
from deployment.errors import DeployError
from deployment.operations.runner import log
from deployment.operations.runner.site import Site


class Backup:
    """A backup is in the store that was not there before."""

    touches = False

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.made: dict[str, Any] | None = None

    def missing(self, site: Site) -> list[str]:
        """Say so until one was made; raise DeployError where there is no store, or no runner here."""
        if self.made:
            return []
        runner.container(site.engine, *runner.now(self._kind))
        return [f"make a backup ({self._kind})"]

    def do(self, site: Site) -> None:
        """Have it made, or wait for the one that is being made; raise DeployError if it fails."""
        label = ""
        with site.progress.task("Making a backup") as task:
            for step in runner.make(site.engine, self._kind):
                label = step.get("label", "")
                task.detail(_said(step))
        found = [one for one in runner.listing(site.engine)["backups"] if one["label"] == label]
        if not found:
            raise DeployError(
                f"Backup {label or 'without a name'} was made, and is not in the store.",
                "`python3 deploy.py backups` shows what is there, `python3 deploy.py logs backup` why.",
            )
        self.made = found[0]


def _said(step: dict[str, Any]) -> str:
    if not step.get("running"):
        return "waiting for the runner"
    percent = step.get("percent")
    return "begun" if percent is None else f"{percent:.0f} % copied"


def make(step: Backup, site: Site) -> dict[str, Any]:
    """Have a backup made, and return it; raise DeployError.

    It takes hours, and changes nothing that other verbs change, so that it does not keep them waiting.
    """
    with log.written(site) as outcome:
        step.missing(site)
        outcome.busy = True
        step.do(site)
    return step.made or {}
