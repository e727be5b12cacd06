"""The commands `postgres-ha backup`: run the runner, or ask the one of this container."""

import argparse
import json
import os
import sys
from datetime import datetime
from pathlib import Path

import psycopg

from postgres_ha import logs
from postgres_ha.backup import adoption, drill, notes, orders, report, store
from postgres_ha.backup.command import look
from postgres_ha.backup.live import Live
from postgres_ha.backup.repository import RUNNER_CONF
from postgres_ha.backup.restoration import Restoration
from postgres_ha.backup.runner import Runner
from postgres_ha.backup.verdict import EXIT_CODES
from postgres_ha.errors import ServiceError

VOLUME = Path("/var/lib/backup")
STATE = VOLUME / "state"


def main(options: argparse.Namespace) -> int:
    """Run one of them and return its exit code: 0 done, 1 not done; raise SettingError.

    A drill's exit code is 0 if the backup is good, 1 if it is bad, 4 if the drill could not run.
    """
    if options.verb == "run":
        logs.configure()
        Runner(store.load(os.environ)).run()
        return 0
    if options.verb == "drill":
        return _drill(options.backup, options.to)
    try:
        if options.verb == "restore":
            return _restore(options)
        if options.verb == "adopt":
            return _adopt(options.part)
        return _now(options.type) if options.verb == "now" else _list()
    except (ServiceError, psycopg.Error, OSError) as error:
        said = error.diag.message_primary if isinstance(error, psycopg.Error) else ""
        print(f"ERROR: {said or ' '.join(str(error).split())}", file=sys.stderr)
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


def _adopt(part: str) -> int:
    """Print whose the store is, once it was given to this database if that is the part."""
    does = adoption.adopt if part == "do" else adoption.possible
    print(json.dumps(does(RUNNER_CONF, Live(store.load(os.environ)))))
    return 0


def _restore(options: argparse.Namespace) -> int:
    """Do one part of a restoration, and print what is known then."""
    wanted = Restoration(options.mark, options.backup, options.to, _places(), Live(store.load(os.environ)))
    if options.part == "later":
        for row in wanted.later():
            print(json.dumps(row), flush=False)
        return 0
    part = getattr(wanted, options.part)
    print(json.dumps(part(_say) if options.part in ("bring", "swap") else part()))
    return 0


def _places() -> drill.Places:
    return drill.Places(RUNNER_CONF, VOLUME / "scratch", STATE)


def _say(step: str) -> None:
    print(step, file=sys.stderr, flush=True)


def _drill(label: str, to: datetime | None) -> int:
    found = drill.drill(_places(), label, to, _say)
    print(json.dumps(found.to_json()))
    return EXIT_CODES[found.outcome]
