"""Verbs that prove the stack: its tests, its lab and its bench."""

import re
from typing import Annotated

import typer

from deployment.cli.options import InstallEngine, Yes, confirm, confirm_installation
from deployment.engine.machine import engine
from deployment.engine.swarm import services
from deployment.operations import suite
from deployment.progress import Progress

app = typer.Typer()
SOAK = re.compile(r"[1-9]\d*[smh]|all", re.ASCII)


def _soak(value: str) -> str:
    if value and not SOAK.fullmatch(value):
        raise typer.BadParameter("give a duration such as 90s, 60m or 2h, or `all`")
    return value


@app.command()
def test(
    chosen: Annotated[list[str] | None, typer.Argument(help="Test files, passed to pytest.")] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Only what needs no engine.")] = False,
    faults: Annotated[bool, typer.Option("--faults", help="Every fault, on the lab's nodes.")] = False,
    soak: Annotated[
        str,
        typer.Option(
            metavar="LENGTH", help="Faults in random order for, e.g., 60m, or `all` once.", callback=_soak
        ),
    ] = "",
    install_engine: InstallEngine = False,
    yes: Yes = False,
) -> None:
    """Prove the stack: unit and integration tests, the stack that is up, and faults on the lab's nodes."""
    if fast + faults + bool(soak) > 1:
        raise typer.BadParameter("choose one of --fast, --faults and --soak")
    if not fast and install_engine and confirm_installation(yes=yes):
        engine.install(Progress())
    if not (fast or faults or soak) and _public():
        confirm("Add a few test votes to this stack?", yes=yes)
    raise typer.Exit(suite.run(suite.runs(fast=fast, faults=faults, soak=soak, chosen=chosen or [])))


# `--help`, too, is for whom the words are for.
HANDED_ON = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}


@app.command(context_settings=HANDED_ON)
def lab(context: typer.Context) -> None:
    """Make a Swarm of several nodes on this machine, to try faults by hand: lab up|down|status."""
    raise typer.Exit(suite.lab(context.args))


@app.command(context_settings=HANDED_ON)
def bench(context: typer.Context) -> None:
    """Measure the speed of the stack's parts as ratios, on containers of the bench's own: bench [PART]."""
    raise typer.Exit(suite.bench(context.args))


def _public() -> bool:
    """Whether a stack is up here that others may vote in."""
    client = engine.connect()
    return bool(client and client.info()["Swarm"]["ControlAvailable"] and services.public(client))
