"""`deploy.py doctor`."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from deployment.cli.options import AsJson
from deployment.configuration import settings
from deployment.operations.doctor import bundle
from deployment.operations.doctor import doctor as verb
from deployment.plan.doctor import finding
from deployment.plan.doctor.finding import Finding, Severity
from deployment.progress import Progress

app = typer.Typer()


@app.command("doctor")
def examine(
    as_json: AsJson = False,
    report: Annotated[
        Path | None, typer.Option(help="Write all that helps somebody else to help, without secrets.")
    ] = None,
) -> None:
    """Look for what is wrong with the machines and the stack; exit 1 if there is a warning or worse."""
    if report:
        bundle.require_writable(report)
    found = verb.examine(settings.load(), Progress(quiet=as_json))
    if as_json:
        print(json.dumps([asdict(each) for each in found], indent=2))
    else:
        print("\n".join(lines(found)))
    if report:
        bundle.write(report, found)
        typer.echo(f"{report} is written; look into it before you hand it on.", err=True)
    raise typer.Exit(finding.exit_code(found))


def lines(found: Sequence[Finding]) -> list[str]:
    """Say what was found, the good of it in one line."""
    bad = [each for each in found if each.severity is not Severity.OK]
    good = len(found) - len(bad)
    return [*(line for each in bad for line in _said(each)), f"{good} of {len(found)} looked at are well."]


def _said(each: Finding) -> list[str]:
    more = [each.why, *([f"do: {each.command}"] if each.command else [])]
    return [f"{each.severity.upper()}  {each.id}: {each.what}", *(f"    {line}" for line in more if line)]
