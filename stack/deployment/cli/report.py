"""What the verbs print."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from deployment.engine.records.audit import Entry
from deployment.operations import status
from deployment.operations.runner import operation
from deployment.operations.runner.operation import Steps
from deployment.operations.runner.site import Site
from deployment.plan.cluster import accounting
from deployment.plan.cluster.picture import OPEN, Accounts
from deployment.plan.release import history
from deployment.plan.release.history import Deployment


def plan(steps: Steps, site: Site, warnings: Sequence[str], *, as_json: bool) -> None:
    """Print what a verb of these steps would do; raise DeployError where it would refuse."""
    lines = [line for _, those in operation.plan(steps, site) for line in those]
    if as_json:
        print(json.dumps({"would": lines, "warnings": list(warnings)}, indent=2))
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


def accounts(found: Accounts) -> None:
    """Print what became of the votes of each process, and of all."""
    print("\n".join([*accounting.table(found), accounting.sentence(found)]))


def state(now: dict[str, Any]) -> None:
    """Print what `status` found."""
    Console(highlight=False, soft_wrap=True).print(view(now))


def view(now: dict[str, Any]) -> Group:
    """Return what `status` found as something to print, once or again and again."""
    nodes = [
        Text(status.node_line(node), style="" if node["state"] == "ready" else "red") for node in now["nodes"]
    ]
    return Group(
        _services(now),
        *(nodes if len(nodes) > 1 else ()),
        *(Text(line) for line in status.cluster_lines(now)),
        *(Text(line) for line in status.certificate_lines(now)),
        *(Text(line) for line in status.backup_lines(now)),
        *(Text(line) for line in status.poll_lines(now)),
        Text(_votes(now)),
        *(Text(line) for line in _deployment(now)),
        *(Text(f"Warning: {warning}") for warning in now["warnings"]),
        *(Text(f"Not checked: {page}", style="red") for page in now["unchecked"]),
        *([Text(f"Missing: {', '.join(now['missing'])}", style="red")] if now["missing"] else []),
        _verdict(now),
    )


def intake(site: Site) -> None:
    """Say so where no votes are taken, whatever the poll is."""
    if (word := site.picture.queue.intake) != OPEN:
        site.progress.say(f"  No votes are taken all the same: the intake is {word or 'unknown'}.")


def _services(now: dict[str, Any]) -> Table:
    several = len(now["nodes"]) > 1
    table = Table(box=None)
    for heading in ("SERVICE", "RUNNING", *(["ON"] if several else [])):
        table.add_column(heading)
    for service in now["services"]:
        style = "red" if service["running"] < service["desired"] else ""
        count = Text(f"{service['running']}/{service['desired']}", style=style)
        table.add_row(service["name"], count, *([", ".join(service["nodes"])] if several else []))
    return table


def _votes(now: dict[str, Any]) -> str:
    queue, waits = now["queue"], now["queue"]["waiting_seconds"]
    waiting = f" (the first for {waits:.0f} s)" if waits >= 1 else ""
    intake = "" if queue["intake"] == OPEN else f", intake {queue['intake'] or 'unknown'}"
    return (
        f"Votes stored {_known(now['votes']['stored'])}, entries queued {_known(queue['pending'])}{waiting}, "
        f"dead letters {_known(queue['dead'])}{intake}"
    )


def _deployment(now: dict[str, Any]) -> list[str]:
    lines = []
    if one := now["release"]:
        lines.append(
            f"Release {one['identity']}, number {one['number']}, of {one['at'][:16]} UTC, by {one['by']}"
        )
    if lock := now["lock"]:
        lines.append(f"Lock: {lock}")
    return lines


def _verdict(now: dict[str, Any]) -> Text:
    if now["missing"]:
        return Text("not at full strength", style="red")
    return Text("not checked in full", style="red") if now["unchecked"] else Text("healthy")


def _known(count: int | None) -> str:
    return "unknown" if count is None else str(count)
