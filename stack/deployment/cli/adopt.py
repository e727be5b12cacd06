"""`deploy.py backup adopt`: after a loss, the store is given to the new database."""

from collections.abc import Mapping
from typing import Any

from deployment.cli import report
from deployment.cli.options import confirm
from deployment.operations.backup import adopt, backup
from deployment.operations.runner import operation
from deployment.operations.runner.site import Site
from deployment.plan.cluster import adoption, backups


def run(on: Site, *, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Give the store to the database that serves, and have a full backup of it; raise DeployError."""
    given, stored = adopt.Adopted(), adopt.Stored()
    if dry_run:
        report.plan([given, stored], on, (), as_json=as_json)
        return
    found = adopt.possible(on)
    if found["foreign"]:
        confirm(adoption.question(found), yes=yes)
        operation.run([given], on)
        on.progress.say(f"  {adoption.GIVEN}")
    _store(on, stored, found)


def _store(on: Site, stored: adopt.Stored, found: Mapping[str, Any]) -> None:
    if found["stored"]:
        print(adoption.NOTHING)
        return
    made = backup.make(stored, on)
    print(f"Backup {made['label']} is in the store ({made['type']}, {backups.size(made['stored'])}).")
