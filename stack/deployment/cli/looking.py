"""Verbs that look into the stack that is up: they change nothing."""

import json
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import asdict
from typing import Annotated

import typer
from rich.live import Live

from deployment.cli import report
from deployment.cli.options import AsJson, manager
from deployment.configuration.layout import STACK
from deployment.engine.machine import engine
from deployment.engine.machine.engine import Client
from deployment.engine.records import audit, releases
from deployment.engine.swarm import services
from deployment.operations import execute as exec_verb
from deployment.operations import status
from deployment.plan.cluster import accounting

app = typer.Typer()
WATCH_SECONDS = 2.0


@app.command("releases")
def show_releases(as_json: AsJson = False) -> None:
    """Show the releases that are kept: when, by whom, from which source, and what each changed."""
    client = manager()
    running = services.handed(services.specifications(client))
    report.releases(releases.read(client), set(running.values()), as_json=as_json)


@app.command("status")
def show_status(
    as_json: AsJson = False,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Show it anew every few seconds.")] = False,
) -> None:
    """Show services, both clusters, the queue and the votes; exit 1 unless all is at full strength."""
    if watch and as_json:
        raise typer.BadParameter("choose one of --watch and --json")
    client = manager()
    if watch:
        _watch(client)
    now = status.collect(client)
    if as_json:
        print(json.dumps(now, indent=2))
    else:
        report.state(now)
    raise typer.Exit(0 if now["healthy"] else 1)


def _watch(client: Client) -> None:
    """Show the state again and again, in place on a terminal, until Ctrl-C."""
    try:
        with Live(auto_refresh=False, screen=True) if sys.stdout.isatty() else nullcontext() as live:
            while True:
                found = status.collect(client)
                if live:
                    live.update(report.view(found), refresh=True)
                else:
                    report.state(found)
                time.sleep(WATCH_SECONDS)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


@app.command("audit")
def show_accounts(as_json: AsJson = False) -> None:
    """Say whether every acknowledged vote is stored or on its way; exit 1 if one is lost, 4 if not known."""
    accounts = status.accounts(manager())
    if as_json:
        print(json.dumps(asdict(accounts), indent=2))
    else:
        report.accounts(accounts)
    raise typer.Exit(accounting.exit_code(accounts))


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
    services.require(client, service)
    command = ["docker", "service", "logs", "--tail", str(tail), *(["--follow"] if follow else [])]
    raise typer.Exit(subprocess.run([*command, f"{STACK}_{service}"], check=False).returncode)
