"""`deploy.py secrets`: what is secret in the stack, and a new value of it."""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from deployment.cli import report
from deployment.cli.options import AsJson, DryRun, Quiet, manager, require_dry_run
from deployment.configuration import settings
from deployment.engine.secrets import versions
from deployment.operations.secrets import listing as secrets
from deployment.operations.secrets import rotate as rotation_verb
from deployment.operations.secrets.listing import Secret
from deployment.progress import Progress

DAY_SECONDS, WIDTH = 86400, 30
app = typer.Typer(no_args_is_help=True, help="Look at the stack's secrets, and change them under load.")


@app.command("list")
def list_secrets(as_json: AsJson = False) -> None:
    """Show each secret: what it is for, who reads it, how old it is, and how it is changed; no value."""
    found = secrets.listing(manager())
    if as_json:
        print(json.dumps([asdict(secret) for secret in found], indent=2))
        return
    for secret in found:
        print(f"{secret.key:{WIDTH}}  {_age(secret)}; {_way(secret)}")
        print(f"    {secret.purpose}; read by {', '.join(_kinds(secret)) or 'nobody'}")


@app.command()
def rotate(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME...]", help="As `list` shows them.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every secret but those that are changed by name alone.")
    ] = False,
    forget_voters: Annotated[
        str,
        typer.Option("--forget-voters", metavar="TIME", help="Give up the key of before the change at TIME."),
    ] = "",
    quiet: Quiet = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Give secrets a new value everywhere, while votes come in; data nodes restart one at a time."""
    require_dry_run(dry_run, as_json)
    keys = rotation_verb.chosen(names or [], versions.stages(manager()), everything=everything)
    words = ["--all"] if everything else [*(names or [])]
    words += ["--forget-voters", forget_voters] if forget_voters else []
    site = rotation_verb.site(settings.load(), Progress(quiet=quiet), words)
    if dry_run:
        report.plan(rotation_verb.steps(keys, forget_voters), site, (), as_json=as_json)
        return
    try:
        rotation_verb.rotate(site, keys, forget_voters)
    except KeyboardInterrupt:
        print("Interrupted. Run the same command again: it goes on from here.", file=sys.stderr)
        raise typer.Exit(130) from None


def _kinds(secret: Secret) -> list[str]:
    """Return who reads a secret, the nodes of a cluster by their common name."""
    return sorted(
        {
            kind if number.isdigit() else name
            for name in secret.readers
            for kind, _, number in [name.rpartition("-")]
        }
    )


def _way(secret: Secret) -> str:
    if not secret.way:
        return f"never changed: {secret.fixed}" if secret.fixed else "changed by nothing that is known here"
    return f"change it by: {secret.way.removesuffix(f' {secret.key}')}"


def _age(secret: Secret) -> str:
    """Say how old a secret is, and what else of it is there."""
    seconds = (datetime.now(UTC) - datetime.fromisoformat(f"{secret.since[:19]}+00:00")).total_seconds()
    age = f"{seconds / DAY_SECONDS:.0f} days" if seconds >= DAY_SECONDS else f"{seconds / 3600:.1f} h"
    if secret.underway:
        return f"{age} (its change is under way: {secret.underway})"
    return f"{age} (an older one is in use, too)" if secret.older else age
