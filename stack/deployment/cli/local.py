"""`deploy.py local`: the app on this machine alone, to try it and to work on it."""

import subprocess
from typing import Annotated

import typer

from deployment.cli.options import Quiet, Yes, confirm
from deployment.engine.machine import compose, engine
from deployment.operations import local
from deployment.progress import Progress

app = typer.Typer(no_args_is_help=True, help="Run the app on this machine alone, with Docker Compose.")


@app.command("up")
def up(
    profile: Annotated[
        list[str] | None, typer.Option(help="Start these services of compose.yaml, too: paths or seed.")
    ] = None,
    yes: Yes = False,
    quiet: Quiet = False,
) -> None:
    """Build what is missing, start it with the source mounted, and print the pages' addresses."""
    addresses = local.up(engine.require(), Progress(quiet=quiet, yes=yes), profile or ())
    if not quiet:
        print("\n".join(addresses))


@app.command("down")
def down(
    volumes: Annotated[bool, typer.Option("--volumes", help="Also delete all votes and passwords.")] = False,
    yes: Yes = False,
    quiet: Quiet = False,
) -> None:
    """Remove the containers; votes and passwords stay unless --volumes is given."""
    engine.require()
    if volumes:
        confirm("Delete every vote and password of the local setup for good?", yes=yes)
    local.down(Progress(quiet=quiet), volumes=volumes)


@app.command("logs")
def logs(
    services: Annotated[
        list[str] | None, typer.Argument(help="Services, e.g. vote; without one, all.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines arrive.")] = False,
    tail: Annotated[int, typer.Option(help="Lines of each container to begin with.")] = 100,
) -> None:
    """Show what the containers say."""
    command = ["logs", "--tail", str(tail), *(["--follow"] if follow else []), *(services or ())]
    done = subprocess.run(compose.find(("*",)).command(*command), check=False)
    raise typer.Exit(done.returncode)
