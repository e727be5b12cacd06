"""`deploy.py maintenance`: pauses the voting, with a page that says so."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from deployment.cli import report
from deployment.cli.options import AsJson, DryRun, Quiet, manager, require_dry_run
from deployment.configuration import settings
from deployment.engine.records import maintenance as kept_in_swarm
from deployment.operations.runner import operation
from deployment.operations.votes import maintenance as verb
from deployment.plan import maintenance as plan
from deployment.plan.cluster.picture import OPEN
from deployment.progress import Progress

DONE = {
    "on": "Voting is paused. Votes that were acknowledged are still stored.",
    "off": "The maintenance is over.",
}
app = typer.Typer(no_args_is_help=True, help="Pause the voting, with a page that says so.")


@app.command("on")
def pause(
    message: Annotated[str, typer.Option("--message", "-m", help="What other operators should know.")] = "",
    quiet: Quiet = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Take no votes until `maintenance off`; what was acknowledged is stored, and the results stay shown."""
    _run("on", quiet, dry_run, as_json, message)


@app.command("off")
def resume(quiet: Quiet = False, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Take votes again."""
    _run("off", quiet, dry_run, as_json)


@app.command("status")
def show(as_json: AsJson = False) -> None:
    """Say whether voting is paused, since when and by whom; exit 1 if no votes are taken."""
    client = manager()
    picture = verb.site(client, Progress(quiet=True), settings.load(), "status").picture
    intake, over = picture.queue.intake, plan.over(picture.poll)
    kept = kept_in_swarm.read(client)
    if as_json:
        print(json.dumps({"intake": intake, "maintenance": asdict(kept) if kept else None}, indent=2))
    else:
        print("\n".join(plan.closed(intake, kept)) or over or ("votes are taken" if intake else "unknown"))
    raise typer.Exit(0 if intake == OPEN and not kept and not over else 1)


def _run(name: str, quiet: bool, dry_run: bool, as_json: bool, message: str = "") -> None:
    require_dry_run(dry_run, as_json)
    on = verb.site(manager(), Progress(quiet=quiet), settings.load(), name)
    steps = [verb.step(name, message)]
    if dry_run:
        report.plan(steps, on, (), as_json=as_json)
        return
    busy = operation.run(steps, on)
    on.progress.say(DONE[name] if busy else f"Nothing to do. {DONE[name]}")
    for page in verb.unseen(on):
        on.progress.say(f"  Not seen yet: {page}")
    if name == "off":
        on.look_again()
        report.intake(on)
        if over := plan.over(on.picture.poll):
            on.progress.say(f"  No votes are taken all the same: {over}.")
