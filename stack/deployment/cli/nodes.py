"""`deploy.py nodes`: the machines of the Swarm."""

import json
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from deployment.cli import report
from deployment.cli.options import AsJson, DryRun, Quiet, Yes, confirm, manager, require_dry_run
from deployment.configuration import settings
from deployment.operations.nodes import drain as verb
from deployment.operations.nodes import listing as node_list
from deployment.operations.nodes import relocate
from deployment.operations.runner import operation
from deployment.operations.runner.operation import Step
from deployment.operations.runner.site import Site
from deployment.progress import Progress

Name = Annotated[str, typer.Argument(metavar="NODE", help="Host name or ID of a node.")]
Slot = Annotated[int, typer.Argument(metavar="SLOT", min=1, max=3, help="1, 2 or 3: see `nodes list`.")]
Old = Annotated[str, typer.Argument(metavar="OLD", help="Host name or ID of the node that is gone.")]
New = Annotated[str, typer.Argument(metavar="NEW", help="Host name or ID of the node that takes its place.")]
GONE = (
    "Is {old} gone for good? If it is only cut off, its containers still run: switch it off first, "
    "and never start them again."
)
LOST = "Its backups are lost with it."
HEADINGS = ("NODE", "ROLE", "STATE", "ENGINE", "SLOTS", "EDGE", "PRIMARY OF", "DISK")
app = typer.Typer(
    no_args_is_help=True,
    help="List the machines; add one, take one out of service, bring it back, move what belongs to it.",
)


@app.command("list")
def list_nodes(as_json: AsJson = False) -> None:
    """Show each node: role, state, engine, what it carries, and which primaries."""
    found = node_list.described(manager())
    if as_json:
        print(json.dumps(found, indent=2))
        return
    table = Table(box=None)
    for heading in HEADINGS:
        table.add_column(heading)
    for node in found:
        table.add_row(*node_list.row(node))
    Console(highlight=False, soft_wrap=True).print(table)


@app.command("join")
def join(
    worker: Annotated[bool, typer.Option("--worker", help="Join as a worker, not as a manager.")] = False,
) -> None:
    """Print the command by which another machine joins the Swarm, and what must be open between them."""
    print("\n".join(node_list.joining(manager(), worker=worker)))


@app.command("drain")
def drain(name: Name, quiet: Quiet = False, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Take a node out of service; a primary that is there moves away first."""
    on = _site("drain", name, quiet)
    _run(verb.draining(on, name), on, dry_run, as_json)
    if not dry_run:
        for line in verb.cost(on, name):
            on.progress.say(line)


@app.command("activate")
def activate(name: Name, quiet: Quiet = False, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Bring a node back into service, and spread the containers again."""
    on = _site("activate", name, quiet)
    _run(verb.activating(on, name), on, dry_run, as_json)


@app.command("move")
def move(
    slot: Slot, name: Name, quiet: Quiet = False, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Move a slot to another node: its data nodes copy all from their peers there."""
    on = _site("move", f"{slot} {name}", quiet)
    _run(relocate.moving(on, slot, name), on, dry_run, as_json)


@app.command("replace")
def replace(
    old: Old,
    new: New,
    yes: Yes = False,
    quiet: Quiet = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Let a node take the place of one that is gone for good, which leaves the Swarm."""
    on = _site("replace", f"{old} {new}", quiet)
    steps, lost = relocate.replacing(on, old, new), relocate.backups_lost(on, old, new)
    if not dry_run:
        confirm(" ".join([GONE.format(old=old), *([LOST] if lost else [])]), yes=yes)
    _run(steps, on, dry_run, as_json)
    if lost and not dry_run:
        on.progress.say(f"The backups on {old} are lost with it. Make one now: python3 deploy.py backup")


def _site(name: str, node: str, quiet: bool) -> Site:
    return Site(
        settings.load(), Progress(quiet=quiet), manager(), lambda _: None, verb=f"nodes {name} {node}"
    )


def _run(steps: Sequence[Step], on: Site, dry_run: bool, as_json: bool) -> None:
    """Do what is missing, or say what would be done."""
    require_dry_run(dry_run, as_json)
    if dry_run:
        report.plan(steps, on, (), as_json=as_json)
        return
    busy = operation.run(steps, on)
    on.progress.say("Done." if busy else "Nothing to do: all is as wanted.")
