"""What the verbs print."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from deployment.engine.swarm.audit import Entry
from deployment.operations import status
from deployment.plan import history
from deployment.plan.history import Deployment


def plan(lines: Sequence[str], warnings: Sequence[str], *, as_json: bool) -> None:
    """Print what a verb would do."""
    if as_json:
        print(json.dumps({"would": list(lines), "warnings": list(warnings)}, indent=2))
        return
    print("\n".join(f"would {line}" for line in lines) or "Nothing to do: all is as wanted.")
    for warning in warnings:
        print(f"Warning: {warning}")


def releases(kept: Sequence[Deployment], running: set[str], *, as_json: bool) -> None:
    """Print the releases that are kept, the latest first; `running` are those that services have now."""
    changed = history.changed(kept)
    if as_json:
        found = [_described(deployment, changed, running) for deployment in reversed(kept)]
        print(json.dumps(found, indent=2))
        return
    if not kept:
        print("No release is kept yet: `up` keeps each that it found good.")
    for one in reversed(kept):
        mark = "  (deployed last)" if one is kept[-1] else ""
        time = one.at[:16].replace("T", " ")
        print(
            f"{one.number}  {one.release.identity}  {time} UTC  {one.by}  {one.verb}  from {one.source}{mark}"
        )
        for line in changed.get(one.number, ["the first that is kept"]):
            print(f"     {line}")


def _described(one: Deployment, changed: dict[int, list[str]], running: set[str]) -> dict[str, Any]:
    return {
        "number": one.number,
        "release": one.release.identity,
        "at": one.at,
        "by": one.by,
        "source": one.source,
        "verb": one.verb,
        "running": one.release.identity in running,
        "images": one.release.images,
        "changed": changed.get(one.number),
    }


def audit_log(entries: Sequence[Entry], *, as_json: bool) -> None:
    """Print what was done, the latest last."""
    if as_json:
        print(json.dumps([asdict(entry) for entry in entries], indent=2))
        return
    for entry in entries:
        release = f"  release {entry.release}" if entry.release else ""
        print(
            f"{entry.at[:19]} UTC  {entry.by}  {entry.verb} ({entry.seconds:.0f} s): {entry.outcome}{release}"
        )


def state(now: dict[str, Any]) -> None:
    """Print what `status` found."""
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
    if one := now["release"]:
        console.print(
            f"Release {one['identity']}, number {one['number']}, of {one['at'][:16]} UTC, by {one['by']}"
        )
    if now["lock"]:
        console.print(f"Lock: {now['lock']}", markup=False)
    for warning in now["warnings"]:
        console.print(f"Warning: {warning}", markup=False)
    for page in now["unchecked"]:
        console.print(f"Not checked: {page}", style="red", markup=False)
    if now["missing"]:
        console.print(f"Missing: {', '.join(now['missing'])}", style="red", markup=False)
    console.print(_verdict(now))


def _verdict(now: dict[str, Any]) -> str:
    if now["missing"]:
        return "[red]not at full strength[/red]"
    return "[red]not checked in full[/red]" if now["unchecked"] else "healthy"


def _known(count: int | None) -> str:
    return "unknown" if count is None else str(count)
