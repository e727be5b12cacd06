"""`deploy.py restore`: what a backup gives back."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from urllib3.exceptions import HTTPError

from deployment.cli import report
from deployment.cli.options import AsJson, DryRun, Quiet, Yes, confirm, manager, require_dry_run
from deployment.configuration import settings
from deployment.engine.machine.engine import EngineError
from deployment.engine.restoration import AGAIN, advised
from deployment.errors import DeployError
from deployment.operations.restore import drill as verb
from deployment.operations.restore import later, ongoing, restoration
from deployment.operations.restore.wanted import Wanted
from deployment.operations.runner import operation
from deployment.operations.runner.site import Site
from deployment.operations.runner.turn import TurnLostError
from deployment.plan import restoration as plan
from deployment.plan.cluster import drills
from deployment.progress import Progress

app = typer.Typer()
_Answer = TypeVar("_Answer")


class Queue(StrEnum):
    """What becomes of votes that wait in the queue, and that no worker has stored."""

    REPLAY = plan.REPLAY
    SET_ASIDE = plan.SET_ASIDE


@app.command()
def restore(
    to: Annotated[
        str,
        typer.Option(metavar="MOMENT", help='In UTC: "2026-11-29 15:00:00"; a backup\'s label; or latest.'),
    ] = "",
    queue: Annotated[
        Queue | None,
        typer.Option(
            help="Votes that wait at the swap: store them after it (else asked), or before, as later ones."
        ),
    ] = None,
    export: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where votes are written that came after that moment.")
    ] = None,
    drill: Annotated[
        bool, typer.Option("--drill", help="Restore beside everything else, count, and remove it again.")
    ] = False,
    backup: Annotated[
        str, typer.Option(metavar="LABEL", help="With --drill: of this backup instead of the newest.")
    ] = "",
    yes: Yes = False,
    quiet: Quiet = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Bring the votes of a moment back; with --drill prove that a backup gives them all back.

    A drill's exit code is 0 if the backup is good, 1 if it is bad, 4 if that is not known.
    """
    if drill:
        if dry_run or export or queue:
            raise typer.BadParameter(
                "--dry-run, --export and --queue are for `restore --to`", param_hint="--drill"
            )
        _drill(backup, to, quiet, as_json)
    if not to or backup:
        raise typer.BadParameter("say --to MOMENT, or --drill", param_hint="restore")
    require_dry_run(dry_run, as_json)
    on = Site(settings.load(), Progress(quiet=quiet), manager(), lambda _: None, verb=f"restore --to {to}")
    wanted = _wanted(on, _target(to), queue, export, yes)
    steps = restoration.steps(wanted, on)
    if dry_run:
        report.plan(steps, on, (), as_json=as_json)
        return
    _restore(on, wanted, steps, yes)


def _restore(on: Site, wanted: Wanted, steps: list[operation.Step], yes: bool) -> None:
    if len(steps) == 1:
        operation.run(steps, on)
        print(
            f"The one to {plan.named(wanted.restoration.to)} had ended before, and its note is removed now. "
            "The votes were not changed. To restore that moment again, run the same command again."
        )
        if on.maintenance:
            on.progress.say("  Voting is paused: `python3 deploy.py maintenance off` takes votes again")
        return
    with _advising(wanted):
        operation.plan(steps, on)  # for its refusals, before anybody is asked
        confirm(
            f"Bring the votes of {plan.named(wanted.restoration.to)} back? Nobody can vote meanwhile. Votes "
            f"that came after it are written to {wanted.file}, and all that is there now is kept in the "
            "database.",
            yes=yes,
        )
        on.again = AGAIN  # nobody can vote until it has ended
        operation.run(steps, on)
    proved = next(step for step in steps if isinstance(step, restoration.Proved))
    ended = next(step for step in steps if isinstance(step, restoration.Ended))
    found = later.by_option(wanted.file) if ended.state["later"] else {}
    print(f"{plan.sentence(ended.state, found, str(wanted.file), proved.newer, wanted.unread)}.")
    on.progress.say(f"  The votes as they were are kept in the database: schema {wanted.restoration.mark}")
    if on.maintenance:
        on.progress.say("  Voting was paused before, and still is: `python3 deploy.py maintenance off`")


@contextmanager
def _advising(wanted: Wanted) -> Iterator[None]:
    """Let each error of one that has begun say how votes are taken again: nobody may be able to vote."""
    try:
        yield
    except (restoration.OvertakenError, TurnLostError):
        raise  # that one has ended, or is another command's business
    except (DeployError, EngineError, HTTPError, OSError) as error:
        if not wanted.begun:
            raise
        found = operation.readable(error)
        raise DeployError(found.what, advised(found.remedy), found.evidence, code=found.code) from error


def _wanted(on: Site, to: str, queue: Queue | None, export: Path | None, yes: bool) -> Wanted:
    begun, seen = ongoing.begin(on, to)
    return Wanted(
        begun,
        seen,
        (export or Path(plan.file_name(begun.mark))).absolute(),
        lambda question: _go_on(question, yes=yes),
        lambda entries: queue.value if queue else _asked(entries),
    )


def _go_on(question: str, *, yes: bool) -> None:
    """Ask in the midst of it; raise DeployError unless the answer is yes."""
    if yes:
        print(question, "(--yes)", file=sys.stderr)
    elif not _answered(lambda: typer.confirm(question, err=True)):
        raise DeployError("Stopped. The votes were not changed by this.", AGAIN)


def _answered(ask: Callable[[], _Answer]) -> _Answer:
    """Return what is answered; who leaves the question leaves the whole."""
    try:
        return ask()
    except typer.Abort:
        raise KeyboardInterrupt from None


def _asked(entries: int) -> str:
    """Ask on a terminal what becomes of the queue; elsewhere nothing that was acknowledged is left out."""
    if not sys.stdin.isatty():
        return plan.REPLAY
    meaning = (
        f"{plan.REPLAY}: store them afterwards; {plan.SET_ASIDE}: with the votes that came after that moment"
    )
    print(f"{entries} entries wait in the queue. {meaning}.", file=sys.stderr)
    answer = _answered(lambda: str(typer.prompt("Which?", default=plan.REPLAY, err=True)))
    return Queue(answer).value if answer in {one.value for one in Queue} else plan.REPLAY


def _drill(label: str, to: str, quiet: bool, as_json: bool) -> None:
    target = _target(to) if to else plan.LATEST
    words = plan.asked(target)
    if label and words[:1] == ("--backup",):
        raise typer.BadParameter("say the label once", param_hint="--backup")
    moment = datetime.fromisoformat(target) if words[:1] == ("--to",) else None
    chosen = label or (target if words[:1] == ("--backup",) else "")
    found = verb.drill(manager, Progress(quiet=quiet), chosen, moment)
    print(json.dumps(found, indent=2) if as_json else "\n".join(drills.lines(found, of_old=bool(moment))))
    raise typer.Exit(drills.EXIT_CODES[found["outcome"]])


def _target(text: str) -> str:
    """Return what is meant; raise BadParameter for no moment, or one that is to come."""
    try:
        return plan.target(text, datetime.now(UTC))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--to") from None
