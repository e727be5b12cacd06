"""Options that several verbs have, and the questions that they answer."""

from typing import Annotated, Any

import typer

from deployment.engine.machine import engine
from deployment.engine.swarm import membership
from deployment.errors import DeployError

AdvertiseAddr = Annotated[
    str, typer.Option(metavar="ADDRESS", help="Where other nodes reach this one, or its interface.")
]
InstallEngine = Annotated[
    bool,
    typer.Option("--install-engine", help="Install and start the distribution's Docker Engine."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Answer every question with yes.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def require_dry_run(dry_run: bool, as_json: bool) -> None:
    """Refuse JSON of a verb that does something: it prints what it does as it goes."""
    if as_json and not dry_run:
        raise typer.BadParameter("it goes with --dry-run", param_hint="--json")


def manager() -> Any:
    """Return a client of this manager's engine; raise DeployError on any other node."""
    client = engine.require()
    membership.require_manager(membership.membership(client), existing=True)
    return client


def confirm(question: str, *, yes: bool) -> None:
    """Ask; raise DeployError unless the answer is yes."""
    if not yes and not typer.confirm(question, err=True):
        raise DeployError("Stopped before anything was changed.", "Answer yes, or add --yes.")


def confirm_by_name(question: str, name: str, given: str) -> None:
    """Ask for a name; raise DeployError unless it is given, in answer or beforehand."""
    answer = given or typer.prompt(f"{question} Type the stack's name", err=True)
    if answer.strip() != name:
        raise DeployError("Stopped before anything was changed.", f"The stack's name is {name}.")


def confirm_installation(*, yes: bool) -> bool:
    """Ask before an engine is installed; return whether one has to be."""
    if engine.connect():
        return False
    confirm("Install and start Docker Engine on this machine?", yes=yes)
    return True
