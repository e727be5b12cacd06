"""The command line: parse, call, and turn every expected error into two lines and an exit code.

Exit codes: 0 done; 1 refused or failed, with what and remedy on stderr; 2 wrong usage; 3 failed, and the way
back to the former release failed, too; 130 interrupted.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Annotated

import typer
from urllib3.exceptions import HTTPError

from deployment.cli import dead, report
from deployment.cli.options import (
    AsJson,
    DryRun,
    InstallEngine,
    Quiet,
    Yes,
    confirm,
    confirm_installation,
    manager,
    require_dry_run,
)
from deployment.configuration import settings
from deployment.configuration.layout import STACK
from deployment.engine.machine import engine
from deployment.engine.machine.engine import EngineError, RefusedError
from deployment.engine.swarm import audit, membership, releases, services
from deployment.errors import DeployError
from deployment.operations import down as down_verb
from deployment.operations import execute as exec_verb
from deployment.operations import hold, operation, status, suite
from deployment.operations import rollback as rollback_verb
from deployment.operations import scale as scale_verb
from deployment.operations import up as up_verb
from deployment.operations.site import Site
from deployment.plan.options import MEANING, Change, UnsettledError
from deployment.progress import Progress

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="Run the voting app on Docker Swarm without losing a vote.",
)  # fmt: skip
app.add_typer(dead.app, name="dead")
SOAK = re.compile(r"[1-9]\d*[smh]|all", re.ASCII)


def _soak(value: str) -> str:
    if value and not SOAK.fullmatch(value):
        raise typer.BadParameter("give a duration such as 90s, 60m or 2h, or `all`")
    return value


@app.command()
def up(
    install_engine: InstallEngine = False,
    yes: Yes = False,
    quiet: Quiet = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
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
    """Build, deploy and wait until everything is healthy; a deployment that fails is taken back."""
    require_dry_run(dry_run, as_json)
    chosen = settings.load(
        domain=domain, acme_email=acme_email, registry=registry, advertise_addr=advertise_addr
    )
    progress = Progress(quiet=quiet, yes=yes)
    for warning in settings.warnings():
        progress.say(f"Warning: {warning}")
    if install_engine and not dry_run:
        confirm_installation(yes=yes)

    def bring_up(agreed: Change | None) -> None:
        site = up_verb.site(
            chosen, progress, install_engine=install_engine, start=not dry_run, refresh=refresh,
            change_options=agreed,
        )  # fmt: skip
        if dry_run:
            _print_plan(up_verb.UP, site, up_verb.warnings(site), as_json=as_json)
        else:
            up_verb.up(site)

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
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Remove the stack; its data stays unless --volumes is given."""
    require_dry_run(dry_run, as_json)
    site = Site(settings.load(), Progress(quiet=quiet), manager(), lambda _: None, verb="down")
    if dry_run:
        _print_plan(down_verb.steps(volumes=volumes), site, (), as_json=as_json)
        return
    if volumes:
        confirm("Delete every vote, password and certificate of this stack for good?", yes=yes)
    down_verb.down(site, volumes=volumes)


@app.command()
def rollback(
    release: Annotated[
        str, typer.Argument(help="Number or name of a release; without one, the release before.")
    ] = "",
    quiet: Quiet = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Go back to a release that was good; secrets and options stay as they are now."""
    require_dry_run(dry_run, as_json)
    manager()
    site = rollback_verb.site(settings.load(), Progress(quiet=quiet), release)
    if dry_run:
        _print_plan(rollback_verb.ROLLBACK, site, (), as_json=as_json)
    else:
        rollback_verb.rollback(site)


@app.command()
def scale(
    wanted: Annotated[list[str], typer.Argument(metavar="SERVICE=NUMBER...", help="E.g. vote=5 result=3.")],
    quiet: Quiet = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Change how many containers vote, result or worker has; the next `up` keeps it."""
    require_dry_run(dry_run, as_json)
    replicas = scale_verb.parsed(wanted)
    manager()
    site = scale_verb.site(settings.load(), Progress(quiet=quiet), replicas)
    if dry_run:
        _print_plan(scale_verb.SCALE, site, (), as_json=as_json)
    else:
        scale_verb.scale(site)


@app.command("releases")
def show_releases(as_json: AsJson = False) -> None:
    """Show the releases that are kept: when, by whom, from which source, and what each changed."""
    client = manager()
    report.releases(releases.read(client), set(services.handed(client).values()), as_json=as_json)


@app.command("status")
def show_status(as_json: AsJson = False) -> None:
    """Show services, both clusters, the queue and the votes; exit 1 unless all is at full strength."""
    now = status.collect(manager())
    if as_json:
        print(json.dumps(now, indent=2))
    else:
        report.state(now)
    raise typer.Exit(0 if now["healthy"] else 1)


@app.command("lock")
def take_lock(
    message: Annotated[str, typer.Option("--message", "-m", help="What others should know.")] = "",
) -> None:
    """Keep every verb that changes something from being run, on any manager, until `unlock`."""
    print(hold.take(manager(), message).sentence())


@app.command()
def unlock(yes: Yes = False) -> None:
    """Give the lock back, whoever has it."""
    client = manager()
    held = hold.present(client)
    if held and not held.by_hand:
        confirm(f"{held.sentence()}. It may be at work: take the lock from it?", yes=yes)
    print(hold.give_back(client))


@app.command("audit-log")
def show_audit_log(as_json: AsJson = False) -> None:
    """Show who changed what, when and with which outcome, the latest last."""
    report.audit_log(audit.read(manager()), as_json=as_json)


@app.command("exec", context_settings={"ignore_unknown_options": True})
def execute(
    service: Annotated[str, typer.Argument(help="Service, e.g. vote, worker, postgres-1.")],
    command: Annotated[list[str], typer.Argument(help="What to run there, after `--`.")],
) -> None:
    """Run a command in a container of a service on this node: exec postgres-1 -- postgres-ha state."""
    client = manager()
    engine.require_command(client)
    raise typer.Exit(exec_verb.execute(client, service, command))


@app.command()
def logs(
    service: Annotated[str, typer.Argument(help="Service, e.g. vote, worker, postgres-1.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines arrive.")] = False,
    tail: Annotated[int, typer.Option(help="Lines of each task to begin with.")] = 100,
) -> None:
    """Show a service's log."""
    client = manager()
    engine.require_command(client)
    names = [state.name for state in services.states(client)]
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
    if not fast and install_engine and confirm_installation(yes=yes):
        engine.install(Progress())
    if not (fast or faults or soak) and _public():
        confirm("Add a few test votes to this stack?", yes=yes)
    raise typer.Exit(suite.run(suite.arguments(fast=fast, faults=faults, soak=soak, chosen=chosen or [])))


@app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
def lab(context: typer.Context) -> None:
    """Make a Swarm of several nodes on this machine, to try faults by hand: lab up|down|status."""
    raise typer.Exit(suite.lab(context.args))


@app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
def bench(context: typer.Context) -> None:
    """Measure the speed of the stack's parts as ratios, on containers of the bench's own: bench [PART]."""
    raise typer.Exit(suite.bench(context.args))


def main() -> None:
    """Run the command line."""
    try:
        app(prog_name="deploy.py")
    except DeployError as error:
        _print_error(error)
        sys.exit(error.code)
    except RefusedError as error:
        _print_error(membership.no_leader() if membership.leaderless(error) else operation.unexpected(error))
        sys.exit(1)
    except (EngineError, HTTPError, OSError, subprocess.CalledProcessError) as error:
        _print_error(operation.unexpected(error))
        sys.exit(1)


def _print_error(error: DeployError) -> None:
    for line in error.evidence:
        print(f"    {line}", file=sys.stderr)
    print(f"ERROR: {error.what}\n       {error.remedy}", file=sys.stderr)


def _print_plan(
    steps: operation.Steps, site: Site, warnings: list[str] | tuple[str, ...], *, as_json: bool
) -> None:
    lines = [line for _, those in operation.plan(steps, site) for line in those]
    report.plan(lines, warnings, as_json=as_json)


def _public() -> bool:
    """Whether a stack is up here that others may vote in."""
    client = engine.connect()
    return bool(client and client.info()["Swarm"]["ControlAvailable"] and services.public(client))


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
