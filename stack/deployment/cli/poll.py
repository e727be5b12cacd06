"""`deploy.py poll`: closes a poll, keeps its numbers, begins the next."""

import json
import sys
from typing import Annotated

import typer
from urllib3.exceptions import HTTPError

from deployment.cli import report
from deployment.cli.options import AsJson, DryRun, Quiet, confirm_by_name, manager, require_dry_run
from deployment.configuration import settings
from deployment.configuration.layout import STACK
from deployment.engine import poll as engine_poll
from deployment.engine.machine.engine import EngineError
from deployment.errors import DeployError
from deployment.operations.runner import operation
from deployment.operations.runner.site import Site
from deployment.operations.votes import poll as verb
from deployment.progress import Progress

Number = Annotated[
    int | None,
    typer.Option("--poll", min=1, help="The poll that is meant; there being another changes nothing."),
]
DONE = {
    "close": "Poll {} is closed, and its result is final.",
    "open": "Poll {} takes votes.",
    "reset": "Poll {} is archived; the next one takes votes.",
}
app = typer.Typer(no_args_is_help=True, help="Close a poll, keep its numbers, begin the next.")


@app.command("status")
def show_poll(as_json: AsJson = False) -> None:
    """Show the poll that there is, and those that are archived."""
    found = engine_poll.show(manager())
    if as_json:
        print(json.dumps(found, indent=2))
        return
    for archive in found["archives"]:
        total = json.loads(archive["document"])["total"]
        print(f"Poll {archive['number']}: {total} votes, archived {archive['at']}")
        print(f"  SHA-256 {archive['checksum']}")
    if found["state"] != "archived":
        print(verb.line(found))


@app.command("close")
def close_poll(
    number: Number = None, quiet: Quiet = False, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Take no more votes, and wait until the result is final: every acknowledged vote is stored."""
    _run("close", number, quiet, dry_run, as_json)


@app.command("open")
def open_poll(
    number: Number = None, quiet: Quiet = False, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Take votes again."""
    _run("open", number, quiet, dry_run, as_json)


@app.command("archive")
def archive_poll(
    number: Number = None, quiet: Quiet = False, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Keep the final numbers for good, and print them as JSON; the result page shows their SHA-256."""
    meant = _run("archive", number, quiet, dry_run, as_json)
    if dry_run:
        return
    for archive in engine_poll.show(manager())["archives"]:
        if archive["number"] == meant:
            sys.stdout.write(archive["document"])
            print(f"SHA-256 of these bytes: {archive['checksum']}", file=sys.stderr)


@app.command("reset")
def reset_poll(
    number: Number = None,
    named: Annotated[
        str,
        typer.Option("--confirm", metavar="STACK", help="The stack's name, instead of being asked for it."),
    ] = "",
    quiet: Quiet = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Archive the poll, delete its votes, and begin the next one at zero."""
    require_dry_run(dry_run, as_json)
    if named and number is None:
        raise typer.BadParameter(
            "say --poll N as well: run again, it would end the next poll", param_hint="--confirm"
        )
    if not dry_run:
        present = verb.known(_site("reset", quiet).picture).number
        number = number or present
        if number == present:
            confirm_by_name(
                f"Archive poll {number}, delete its votes and begin poll {number + 1}?", STACK, named
            )
    _run("reset", number, quiet, dry_run, as_json)


def _site(name: str, quiet: bool) -> Site:
    return verb.site(manager(), Progress(quiet=quiet), settings.load(), name)


def _run(name: str, number: int | None, quiet: bool, dry_run: bool, as_json: bool) -> int:
    """Do what is missing, or say what would be done; return the number of the poll that is meant."""
    require_dry_run(dry_run, as_json)
    on = _site(name, quiet)
    steps = verb.steps(name, on, number)
    meant = number or verb.known(on.picture).number
    if name == "reset":
        # Without the number it would end the next poll.
        on.again = f"Run `python3 deploy.py poll reset --poll {meant}`: it goes on from here."
    if dry_run:
        report.plan(steps, on, (), as_json=as_json)
        return meant
    try:
        busy = operation.run(steps, on)
    except (DeployError, EngineError, HTTPError, OSError) as error:
        if name != "reset":
            raise
        raise _named(operation.readable(error), meant) from error
    if done := DONE.get(name, "").format(meant):
        on.progress.say(done if busy else f"Nothing to do. {done}")
        if name != "close":
            on.look_again()
            report.intake(on)
    return meant


def _named(error: DeployError, number: int) -> DeployError:
    """Return an error of `poll reset` with the poll that is meant: the next one may have begun by now."""
    again = f"`python3 deploy.py poll reset --poll {number}`"
    remedy = error.remedy if again in error.remedy else f"{error.remedy} The same command is {again}."
    return DeployError(error.what, remedy, error.evidence, code=error.code)
