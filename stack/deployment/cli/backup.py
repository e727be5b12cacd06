"""`deploy.py backup` and `backups`: backups of the votes."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from deployment.cli import adopt, report
from deployment.cli.options import AsJson, DryRun, Quiet, Yes, manager, require_dry_run
from deployment.configuration import settings
from deployment.engine import backup as runner
from deployment.engine.secrets import kits
from deployment.operations.backup import backup
from deployment.operations.runner.site import Site
from deployment.plan.cluster import backups
from deployment.progress import Progress

app = typer.Typer()


class What(StrEnum):
    """What is to be done."""

    NOW, ADOPT = "now", "adopt"


class Kind(StrEnum):
    """What is copied: everything, or what has changed since the last full one."""

    FULL = "full"
    DIFF = "diff"


@app.command("backup")
def make_backup(
    what: Annotated[
        What,
        typer.Argument(
            help="Make a backup now, the default; or, after a loss, give the store to the new database."
        ),
    ] = What.NOW,
    kind: Annotated[
        Kind, typer.Option("--type", help="Everything, or what has changed since then.")
    ] = Kind.DIFF,
    yes: Yes = False,
    quiet: Quiet = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Make a backup now, or wait for the one that is being made; interrupted, it goes on."""
    require_dry_run(dry_run, as_json)
    verb = "backup" if what is What.NOW else "backup adopt"
    site = Site(settings.load(), Progress(quiet=quiet), manager(), lambda _: None, verb=verb)
    if what is What.ADOPT:
        adopt.run(site, yes=yes, dry_run=dry_run, as_json=as_json)
        return
    step = backup.Backup(kind.value)
    if dry_run:
        report.plan([step], site, (), as_json=as_json)
        return
    made = backup.make(step, site)
    print(f"Backup {made['label']} is in the store ({made['type']}, {backups.size(made['stored'])}).")
    for warning in kits.due(site.engine, site.last.release) if site.last else ():
        print(f"Warning: {warning}")


@app.command("backups")
def show_backups(as_json: AsJson = False) -> None:
    """Show the backups that there are: when, how large, which WAL, and when each was last restored."""
    found = runner.listing(manager())
    if as_json:
        print(json.dumps(found, indent=2))
        return
    print("\n".join(backups.table(found)))
    if found["problem"]:
        print(f"Warning: {found['problem']}")
