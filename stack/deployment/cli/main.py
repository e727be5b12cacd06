"""The command line: parse, call, and turn every expected error into two lines and an exit code.

Exit codes: 0 done; 1 refused or failed, with what and remedy on stderr; 2 wrong usage; 3 failed, and the way
back to the former release failed, too; 4 not known (`audit`, `restore --drill`); 130 interrupted.
"""

import subprocess
import sys
from collections.abc import Callable
from typing import Annotated

import typer
from urllib3.exceptions import HTTPError

from deployment import interrupt
from deployment.cli import (
    backup,
    dead,
    doctor,
    holding,
    kit,
    local,
    looking,
    maintenance,
    nodes,
    poll,
    proving,
    report,
    restore,
    secrets,
    seed,
    switchover,
)
from deployment.cli.options import (
    AdvertiseAddr,
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
from deployment.engine.machine.engine import EngineError
from deployment.errors import DeployError
from deployment.operations import down as down_verb
from deployment.operations import rollback as rollback_verb
from deployment.operations import scale as scale_verb
from deployment.operations import up as up_verb
from deployment.operations.runner import operation
from deployment.operations.runner.site import Site
from deployment.plan.release.options import MEANING, Change, UnsettledError
from deployment.progress import Progress

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="Run the voting app on Docker Swarm without losing a vote.",
)  # fmt: skip
app.add_typer(dead.app, name="dead")
app.add_typer(kit.app, name="kit")
app.add_typer(local.app, name="local")
app.add_typer(maintenance.app, name="maintenance")
app.add_typer(nodes.app, name="nodes")
app.add_typer(poll.app, name="poll")
app.add_typer(secrets.app, name="secrets")
for verbs in (looking, backup, doctor, holding, proving, restore, seed, switchover):
    app.add_typer(verbs.app)


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
    domain: Annotated[
        str, typer.Option(help="Serve vote.DOMAIN and result.DOMAIN; with ROUTING=path, DOMAIN alone.")
    ] = "",
    acme_email: Annotated[str, typer.Option(help="Let's Encrypt account; needs --domain.")] = "",
    registry: Annotated[
        str, typer.Option(metavar="PREFIX", help="Push the images there; needed for several nodes.")
    ] = "",
    advertise_addr: AdvertiseAddr = "",
    monitoring: Annotated[
        bool | None,
        typer.Option(
            "--monitoring/--no-monitoring",
            help="Run Prometheus, Alertmanager and exporters beside the stack; the next `up` keeps it so.",
        ),
    ] = None,
    change_options: Annotated[
        Change | None,
        typer.Option(help="What becomes of an option that has votes and is no longer listed."),
    ] = None,
) -> None:
    """Build, deploy and wait until everything is healthy; a deployment that fails is taken back."""
    require_dry_run(dry_run, as_json)
    chosen = settings.load(
        domain=domain, acme_email=acme_email, registry=registry, advertise_addr=advertise_addr,
        monitoring=monitoring,
    )  # fmt: skip
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
            report.plan(up_verb.steps(chosen), site, up_verb.warnings(site), as_json=as_json)
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
        report.plan(down_verb.steps(volumes=volumes), site, (), as_json=as_json)
        return
    if volumes:
        confirm(down_verb.question(site), yes=yes)
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
        report.plan(rollback_verb.ROLLBACK, site, (), as_json=as_json)
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
        report.plan(scale_verb.SCALE, site, (), as_json=as_json)
    else:
        scale_verb.scale(site)


def main() -> None:
    """Run the command line."""
    interrupt.listen()
    try:
        app(prog_name="deploy.py")
    except DeployError as error:
        _print_error(error)
        sys.exit(error.code)
    except (EngineError, HTTPError, OSError, subprocess.CalledProcessError) as error:
        _print_error(operation.readable(error))
        sys.exit(1)


def _print_error(error: DeployError) -> None:
    for line in error.evidence:
        print(f"    {line}", file=sys.stderr)
    print(f"ERROR: {error.what}\n       {error.remedy}", file=sys.stderr)


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
