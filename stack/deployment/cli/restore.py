"""`deploy.py restore`: what a backup gives back."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from deployment.cli.options import AsJson, Quiet, manager
from deployment.operations import restore as verb
from deployment.plan.cluster import drills
from deployment.progress import Progress

app = typer.Typer()


@app.command()
def restore(
    drill: Annotated[
        bool, typer.Option("--drill", help="Restore beside everything else, count, and remove it again.")
    ] = False,
    backup: Annotated[
        str, typer.Option(metavar="LABEL", help="Of this backup instead of the newest; `backups` lists them.")
    ] = "",
    to: Annotated[
        str, typer.Option(metavar="TIME", help='A moment in UTC: "2026-11-29 15:00:00". Without: the last.')
    ] = "",
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Prove that a backup gives every vote back: exit 0 if it is good, 1 if it is bad, 4 if not known."""
    if not drill:
        raise typer.BadParameter("say --drill", param_hint="restore")
    report = verb.drill(manager, Progress(quiet=quiet), backup, _moment(to))
    print(json.dumps(report, indent=2) if as_json else "\n".join(drills.lines(report, of_old=bool(to))))
    raise typer.Exit(drills.EXIT_CODES[report["outcome"]])


def _moment(text: str) -> datetime | None:
    """Return a moment, by default in UTC; raise BadParameter for none, or one that is to come."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("say a moment such as 2026-11-29 15:00:00", param_hint="--to") from None
    moment = found if found.tzinfo else found.replace(tzinfo=UTC)
    if moment > datetime.now(UTC):
        raise typer.BadParameter(f"{moment} is still to come", param_hint="--to")
    return moment
