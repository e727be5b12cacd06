"""`deploy.py kit`: the recovery kit."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from deployment.cli import report
from deployment.cli.options import (
    AdvertiseAddr,
    AsJson,
    DryRun,
    InstallEngine,
    Quiet,
    Yes,
    confirm_installation,
    manager,
    require_dry_run,
)
from deployment.configuration import settings
from deployment.engine.machine import engine
from deployment.errors import DeployError
from deployment.operations.kit import make, opening, show
from deployment.operations.runner import operation
from deployment.operations.runner.site import Site
from deployment.progress import Progress

SHORTEST = 12
File = Annotated[Path, typer.Argument(metavar="FILE", help="The kit's file.")]
PassphraseFile = Annotated[
    Path | None,
    typer.Option("--passphrase-file", metavar="PATH", help="A file whose first line is the passphrase."),
]
app = typer.Typer(no_args_is_help=True, help="Keep all without which a backup is worthless, in one file.")


@app.command("make")
def make_kit(
    file: File,
    passphrase_file: PassphraseFile = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it is there.")] = False,
    quiet: Quiet = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Seal every secret of the stack and its release into FILE, under a passphrase."""
    require_dry_run(dry_run, as_json)
    site = Site(
        settings.load(), Progress(quiet=quiet), manager(), lambda _: None, verb="kit make",
        again="Run it again, with --force if FILE is there by then.",
    )  # fmt: skip
    unsealed = make.steps(file, "", force=force)
    if dry_run:
        report.plan(unsealed, site, (), as_json=as_json)
        return
    operation.plan(unsealed, site)  # what is refused is refused before anything is asked
    operation.run(make.steps(file, _passphrase(passphrase_file, new=True), force=force), site)
    site.progress.say(
        f"{file} is made, and its passphrase opens it. Keep a copy on another machine, and the passphrase "
        "elsewhere."
    )


@app.command("show")
def show_kit(file: File, passphrase_file: PassphraseFile = None, as_json: AsJson = False) -> None:
    """Say what is in a kit: names and ages, never what a secret holds."""
    contents = opening.read(file, _passphrase(passphrase_file))
    if as_json:
        print(json.dumps(show.described(contents), indent=2))
    else:
        print("\n".join(show.lines(contents)))


@app.command("open")
def open_kit(
    file: File,
    passphrase_file: PassphraseFile = None,
    keep_data: Annotated[
        bool, typer.Option("--keep-data", help="The data that are here are of the kit's stack, and stay.")
    ] = False,
    advertise_addr: AdvertiseAddr = "",
    install_engine: InstallEngine = False,
    yes: Yes = False,
    quiet: Quiet = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Make the secrets of a kit again on a bare machine; `up` uses them then."""
    require_dry_run(dry_run, as_json)
    if install_engine and not dry_run:
        confirm_installation(yes=yes)
    client = engine.connect() if install_engine else engine.require()
    contents = opening.read(file, _passphrase(passphrase_file))
    chosen = settings.load(advertise_addr=advertise_addr)
    site = Site(chosen, Progress(quiet=quiet), client, lambda _: None, verb="kit open")
    steps = opening.steps(contents, keep_data=keep_data)
    if dry_run:
        report.plan(steps, site, (), as_json=as_json)
        return
    if not operation.run(steps, site):
        site.progress.say("Nothing to do: all that the kit holds is here.")
    for line in opening.next_steps(contents):
        site.progress.say(line)


def _passphrase(file: Path | None, *, new: bool = False) -> str:
    """Return the passphrase, from a file or asked on a terminal; raise DeployError where it is no good."""
    if file:
        found = _first_line(file)
    elif sys.stdin.isatty():
        found = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=new, err=True)
    else:
        raise DeployError(
            "The passphrase is missing, and there is no terminal to ask for it.",
            "Put it into a file that only you can read, and add --passphrase-file PATH.",
        )
    if new and len(found) < SHORTEST:
        raise DeployError(
            f"The passphrase is too short: it needs at least {SHORTEST} characters. Nothing was changed.",
            "Take six random words.",
        )
    return str(found)


def _first_line(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise DeployError(f"The passphrase cannot be read: {error}.", "Name a text file.") from error
