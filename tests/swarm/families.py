"""Faults of one kind as one line of a table, so that it can be read at a glance."""

import re
from collections.abc import Iterable
from dataclasses import replace

from swarm.outcome import Outcome
from swarm.results import merged

# A fault belongs to the first family whose pattern is its name.
FAMILIES = {
    "Redis primary killed": "redis primary killed",
    "PostgreSQL primary killed": "postgres primary killed",
    "a data node killed during a switchover": ".* killed during its switchover",
    "PostgreSQL or the runner killed during a backup": ".* killed during a backup",
    "PostgreSQL primary killed during `restore --to`": ".* killed during `restore --to`, .*",
    "a primary killed while its own password is changed": ".* killed during `secrets rotate` .*",
    "all secrets changed by `secrets rotate --all`": "`secrets rotate --all`",
    "the store of the backups away or full": "the store of the backups .*",
    "any other container or process killed": r"[\w -]+(?<!primaries) killed",
    "Redis primary frozen for 1 to 60 s": r"redis primary frozen \d+ s",
    "PostgreSQL primary frozen for 1 to 60 s": r"postgres primary frozen \d+ s",
    "both primaries killed or frozen at once": "both primaries .*",
    "every replica of vote frozen at once for 8 s": "every vote frozen .*",
    "any other container or process frozen for 1 to 60 s": r".* frozen \d+ s",
    "a node switched off and on": ".* killed and back",
    "a node drained and active again": "node drained .*",
    "a slot moved to another node, and back": "slot .* moved .*",
    "a node gone for good and replaced": ".* gone for good and replaced",
    "a node lost during a rolling update": "node lost .*",
    "a node cut off from everything": r"node \d cut off from everything",
    "a node cut off from the others, not from its clients": r"node \d cut off from the other nodes",
    "a node that hears nothing from the others": r"node \d hears .*",
    "Redis primary frozen or cut off while no worker runs": ".* while no worker runs",
    "Redis nodes cut off from the Sentinels or each other": "redis .*(cut off|hears).*",
    "PostgreSQL nodes cut off from each other": "postgres .*(cut off|hears).*",
    "20 % packet loss for 60 s": "20 % packet loss .*",
    "everything killed, and a primary's node gone for good": "cold start, .* gone for good",
    "everything killed, and started in any order": "cold start.*",
    "all three nodes switched off and on": "whole lab .*",
    "a volume lost, or a former primary empty": ".*volume lost|.* returns empty",
    "full disk on the PostgreSQL primary": "full disk .*",
    "rolling update of a service": "rolling update .*",
    "a primary moved by `switchover`": "switchover of .*",
    "two managers deploy at once": "two managers .*",
    "the registry gone in the middle of `up`": "the registry gone .*",
    "new images for everything by `up`, and back": "a new release .*",
}


def family(fault: str) -> str:
    """Return the family that a fault belongs to; its own name if there is none."""
    return next((name for name, pattern in FAMILIES.items() if re.fullmatch(pattern, fault)), fault)


def summary(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Return a row for each family, in their order: sums, worst times, and how many faults it stands for."""
    rows: dict[str, list[Outcome]] = {name: [] for name in FAMILIES}
    for each in outcomes:
        rows.setdefault(family(each.fault), []).append(each)
    return [_row(name, members) for name, members in rows.items() if members]


def _row(name: str, members: list[Outcome]) -> Outcome:
    remarks = [f"{len(members)} faults"] if len(members) > 1 else []
    if failed := [member.fault for member in members if not member.passed]:
        remarks.append(f"beyond its limits: {', '.join(failed)}")
    return replace(merged(members), fault=f"{name} ({'; '.join(remarks)})" if remarks else name)
