"""The commands `postgres-ha backup`: run the runner, or ask the one of this container."""

import argparse
import json
import os
import sys
from pathlib import Path

from postgres_ha import logs
from postgres_ha.backup import notes, orders, report, store
from postgres_ha.backup.command import PgBackRestError, look
from postgres_ha.backup.repository import RUNNER_CONF
from postgres_ha.backup.runner import Runner

STATE = Path("/var/lib/backup/state")


def main(options: argparse.Namespace) -> int:
    """Run one of them and return its exit code: 0 done, 1 not done; raise SettingError."""
    if options.verb == "run":
        logs.configure()
        Runner(store.load(os.environ)).run()
        return 0
    try:
        return _now(options.type) if options.verb == "now" else _list()
    except (orders.OrderError, PgBackRestError) as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1


def _now(kind: str) -> int:
    for step in orders.backup(RUNNER_CONF.parent, kind):
        print(json.dumps(step), flush=True)
    return 0


def _list() -> int:
    status = orders.status(RUNNER_CONF.parent)
    found = report.contents(look(RUNNER_CONF))
    said = {"problem": status.get("problem", ""), "running": status.get("running")}
    print(json.dumps(report.listed(found, notes.read(STATE, notes.RESTORED)) | said, indent=2))
    return 0
