"""The command line: parse, call, and turn every expected error into two lines and an exit code.

Exit codes: 0 done; 1 refused or failed, with what and remedy on stderr; 2 wrong usage; 130 interrupted.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import Annotated, Any

import typer
from docker.errors import APIError, DockerException
from rich.console import Console
from rich.table import Table
from urllib3.exceptions import HTTPError

from deployment import convergence, dead, engine, lock, release, settings, status, suite, swarm
from deployment import down as down_command
from deployment import up as up_command
from deployment.errors import DeployError
from deployment.layout import STACK
from deployment.options import MEANING, Change, UnsettledError
from deployment.progress import Progress

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="Run the voting app on Docker Swarm without losing a vote.",
)  # fmt: skip

InstallEngine = Annotated[
    bool,
    typer.Option("--install-engine", help="Install and start the distribution's Docker Engine."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Answer every question with yes.")]
SOAK = re.compile(r"[1-9]\d*[smh]|all", re.ASCII)
dead_app = typer.Typer(no_args_is_help=True, help="Look at votes that could not be stored, and decide.")
app.add_typer(dead_app, name="dead")
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]


def _soak(value: str) -> str:
    if value and not SOAK.fullmatch(value):
        raise typer.BadParameter("give a duration such as 90s, 60m or 2h, or `all`")
    return value


@app.command()
def up(
    install_engine: InstallEngine = False,
    yes: Yes = False,
    quiet: Quiet = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Build every image anew on today's Debian packages.")
    ] = False,
    domain: Annotated[str, typer.Option(help="Serve vote.DOMAIN and result.DOMAIN.")] = "",
    acme_email: Annotated[str, typer.Option(help="Let's Encrypt account; needs --domain.")] = "",
    registry: Annotated[
        str, typer.Option(metavar="PREFIX", help="Push the images there; needed for several nodes.")
    ] = "",
    advertise_addr: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where other nodes reach this one, or its interface.")
    ] = "",
    change_options: Annotated[
        Change | None,
        typer.Option(help="What becomes of an option that has votes and is no longer listed."),
    ] = None,
) -> None:
    """Build, deploy and wait until everything is healthy; changes only what has to change."""
    chosen = settings.load(
        domain=domain, acme_email=acme_email, registry=registry, advertise_addr=advertise_addr
    )
    progress = Progress(quiet=quiet, yes=yes)
    for warning in settings.warnings():
        progress.say(f"Warning: {warning}")
    if install_engine and not dry_run:
        _confirm_installation(yes=yes)
    with nullcontext() if dry_run else lock.held():

        def bring_up(agreed: Change | None) -> None:
            up_command.up(
                chosen, progress, install_engine=install_engine, dry_run=dry_run, refresh=refresh,
                change_options=agreed,
            )  # fmt: skip

        try:
            _settle(bring_up, change_options, ask=not dry_run)
        except KeyboardInterrupt:
            print("Interrupted. Run the same command again: it goes on from here.", file=sys.stderr)
            raise typer.Exit(130) from None


@app.command()
def down(
    volumes: Annotated[bool, typer.Option("--volumes", help="Also delete all votes and secrets.")] = False,
    yes: Yes = False,
    quiet: Quiet = False,
) -> None:
    """Remove the stack; its data stays unless --volumes is given."""
    client = _manager()
    if volumes:
        _confirm("Delete every vote, password and certificate of this stack for good?", yes=yes)
    with lock.held():
        down_command.down(client, Progress(quiet=quiet), volumes=volumes)


@app.command("status")
def show_status(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show services, both clusters, the queue and the votes; exit 1 unless all is at full strength."""
    now = status.collect(_manager())
    if as_json:
        print(json.dumps(now, indent=2))
    else:
        _print_status(now)
    raise typer.Exit(0 if now["healthy"] else 1)


@app.command()
def logs(
    service: Annotated[str, typer.Argument(help="Service, e.g. vote, worker, postgres-1.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines arrive.")] = False,
    tail: Annotated[int, typer.Option(help="Lines of each task to begin with.")] = 100,
) -> None:
    """Show a service's log."""
    client = _manager()
    engine.require_command(client)
    names = [state.name for state in convergence.states(client)]
    if service not in names:
        raise DeployError(f"There is no service {service!r}.", "Choose one of: " + ", ".join(names))
    command = ["docker", "service", "logs", "--tail", str(tail), *(["--follow"] if follow else [])]
    raise typer.Exit(subprocess.run([*command, f"{STACK}_{service}"], check=False).returncode)


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
    if not fast and install_engine and _confirm_installation(yes=yes):
        engine.install(Progress())
    if not (fast or faults or soak) and release.public_names(engine.connect()):
        _confirm("Add a few test votes to this stack?", yes=yes)
    raise typer.Exit(suite.run(suite.arguments(fast=fast, faults=faults, soak=soak, chosen=chosen or [])))


@app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
def lab(context: typer.Context) -> None:
    """Make a Swarm of several nodes on this machine, to try faults by hand: lab up|down|status."""
    raise typer.Exit(suite.lab(context.args))


@app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
def bench(context: typer.Context) -> None:
    """Measure the speed of the stack's parts as ratios, on containers of the bench's own: bench [PART]."""
    raise typer.Exit(suite.bench(context.args))


@dead_app.command("list")
def list_dead(
    limit: Annotated[int, typer.Option(min=0, help="Letters to show, the latest first.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the dead letters: when, which entry, why, and how they begin."""
    found = dead.listing(_manager(), limit)
    if as_json:
        print(json.dumps(found, indent=2))
        return
    for letter in reversed(found["letters"]):
        print(dead.line(letter))
    print(f"{found['count']} dead letters", file=sys.stderr)


@dead_app.command("export")
def export_dead() -> None:
    """Print every letter whole, as a line of JSON with its bytes in base64; nothing is deleted."""
    for piece in dead.export(_manager()):
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


@dead_app.command("replay")
def replay_dead() -> None:
    """Read all letters once more, as a worker does: those that are votes now are stored, the others stay."""
    done = dead.replay(_manager())
    print(f"{done['stored']} letters stored as votes, {done['left']} left")


@dead_app.command("purge")
def purge_dead(yes: Yes = False) -> None:
    """Delete the letters that there are now, for good: they may be votes that were acknowledged."""
    client = _manager()
    listed = dead.listing(client, 0)
    if listed["count"]:
        _confirm(f"Delete {listed['count']} dead letters for good? (`dead export` keeps a copy.)", yes=yes)
        print(f"{dead.purge(client, listed)} dead letters deleted")
    else:
        print("There are no dead letters.")


def main() -> None:
    """Run the command line."""
    try:
        app(prog_name="deploy.py")
    except DeployError as error:
        _print_error(error)
        sys.exit(1)
    except APIError as error:
        _print_error(swarm.no_leader() if swarm.leaderless(error) else _unexpected(error))
        sys.exit(1)
    except (DockerException, HTTPError, OSError, subprocess.CalledProcessError) as error:
        _print_error(_unexpected(error))
        sys.exit(1)


def _unexpected(error: Exception) -> DeployError:
    return DeployError(f"{type(error).__name__}: {error}", "Mend the cause and run the same command again.")


def _print_error(error: DeployError) -> None:
    for line in error.evidence:
        print(f"    {line}", file=sys.stderr)
    print(f"ERROR: {error.what}\n       {error.remedy}", file=sys.stderr)


def _manager() -> Any:
    client = engine.require()
    swarm.require_manager(swarm.membership(client), existing=True)
    return client


def _confirm(question: str, *, yes: bool) -> None:
    if not yes and not typer.confirm(question, err=True):
        raise DeployError("Stopped before anything was changed.", "Answer yes, or add --yes.")


def _settle(bring_up: Callable[[Change | None], None], agreed: Change | None, *, ask: bool) -> None:
    """Bring the stack up; where votes would vanish, ask on a terminal what is meant: `--yes` is no answer."""
    try:
        bring_up(agreed)
    except UnsettledError as error:
        if not (ask and sys.stdin.isatty()):
            raise
        answers = [*error.answers, "stop"]
        print("\n".join([error.what, *(f"  {a}: {MEANING[a]}" for a in error.answers)]), file=sys.stderr)
        answer = typer.prompt(f"What is meant ({', '.join(answers)})?", default="stop", err=True)
        if answer not in error.answers:
            raise DeployError("Stopped before anything was changed.", error.remedy) from None
        bring_up(Change(answer))


def _confirm_installation(*, yes: bool) -> bool:
    """Ask before an engine is installed; return whether one has to be."""
    if engine.connect():
        return False
    _confirm("Install and start Docker Engine on this machine?", yes=yes)
    return True


def _print_status(now: dict[str, Any]) -> None:
    table = Table(box=None)
    for heading in ("SERVICE", "RUNNING"):
        table.add_column(heading)
    for service in now["services"]:
        short = service["running"] < service["desired"]
        count = f"{service['running']}/{service['desired']}"
        table.add_row(service["name"], f"[red]{count}[/red]" if short else count)
    console = Console(highlight=False, soft_wrap=True)
    console.print(table)
    for node in now["nodes"] if len(now["nodes"]) > 1 else ():
        console.print(status.node_line(node), style=None if node["state"] == "ready" else "red")
    console.print(status.summary(now))
    queue, votes = now["queue"], now["votes"]
    console.print(
        f"Votes stored {_known(votes['stored'])}, entries queued {_known(queue['pending'])}, "
        f"dead letters {_known(queue['dead'])}"
    )
    for warning in now["warnings"]:
        console.print(f"Warning: {warning}", markup=False)
    for page in now["unchecked"]:
        console.print(f"Not checked: {page}", style="red", markup=False)
    if now["missing"]:
        console.print(f"Missing: {', '.join(now['missing'])}", style="red")
    console.print(_verdict(now))


def _verdict(now: dict[str, Any]) -> str:
    if now["missing"]:
        return "[red]not at full strength[/red]"
    return "[red]not checked in full[/red]" if now["unchecked"] else "healthy"


def _known(count: int | None) -> str:
    return "unknown" if count is None else str(count)
