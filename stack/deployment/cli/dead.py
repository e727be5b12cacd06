"""`deploy.py dead`: votes that could not be stored."""

import json
import sys
from typing import Annotated

import typer

from deployment.cli import report
from deployment.cli.options import AsJson, DryRun, Yes, confirm, manager, require_dry_run
from deployment.configuration import settings
from deployment.operations.runner import operation
from deployment.operations.runner.site import Site
from deployment.operations.votes import dead
from deployment.progress import Progress

NONE = "There are no dead letters."
app = typer.Typer(no_args_is_help=True, help="Look at votes that could not be stored, and decide.")


@app.command("list")
def list_dead(
    limit: Annotated[int, typer.Option(min=0, help="Letters to show, the latest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show the dead letters: when, which entry, why, and how they begin."""
    found = dead.listing(manager(), limit)
    if as_json:
        print(json.dumps(found, indent=2))
        return
    for letter in reversed(found["letters"]):
        print(dead.line(letter))
    print(f"{found['count']} dead letters", file=sys.stderr)


@app.command("export")
def export_dead() -> None:
    """Print every letter whole, as a line of JSON with its bytes in base64; nothing is deleted."""
    for piece in dead.export(manager()):
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


@app.command("replay")
def replay_dead(dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Read all letters once more, as a worker does: those that are votes now are stored, the others stay."""
    require_dry_run(dry_run, as_json)
    step, site = dead.Replay(), _site("dead replay")
    if dry_run:
        report.plan([step], site, (), as_json=as_json)
    elif operation.run([step], site):
        print(f"{step.stored} letters stored as votes, {step.left} left")
    else:
        print(NONE)


@app.command("purge")
def purge_dead(yes: Yes = False, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Delete the letters that there are now, for good: they may be votes that were acknowledged."""
    require_dry_run(dry_run, as_json)
    step, site = dead.Purge(), _site("dead purge")
    if dry_run:
        report.plan([step], site, (), as_json=as_json)
        return
    if count := step.count(site):
        confirm(f"Delete {count} dead letters for good? (`dead export` keeps a copy.)", yes=yes)
    print(f"{step.deleted} dead letters deleted" if operation.run([step], site) else NONE)


def _site(verb: str) -> Site:
    return Site(settings.load(), Progress(quiet=True), manager(), lambda _: None, verb=verb)
