"""Runs the observer on one manager: keeps the present picture, and logs its changes.

The picture is one JSON object in /tmp/status.json, written every second; what does not answer is null in it.
Exit codes: 0 after SIGTERM; 1 a question is asked no longer, which is an error in the program; 2 a setting is
missing or malformed.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import structlog

from observer import settings
from observer.changes import changes
from observer.metrics import Figures
from observer.observer import Observer
from observer.picture import Picture
from observer.question import FRESH_SECONDS
from worker import exporter, logs
from worker.signals import stop_on_signal

STATUS_FILE = Path("/tmp/status.json")  # noqa: S108
EVERY_SECONDS = 1.0

log = structlog.get_logger()


def write(picture: Picture, path: Path) -> None:
    """Replace the file by the picture; a reader sees the old one or the new one, whole."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(picture))
    fresh.replace(path)


def main() -> None:
    """Watch until SIGTERM."""
    logs.configure()
    configured, figures = settings.load(), Figures()
    observer = Observer(configured)
    stop = stop_on_signal()
    for each in observer.questions:
        each.wait(FRESH_SECONDS / len(observer.questions))
    exporter.start(configured.metrics_port, figures)
    picture = None
    while True:
        before, picture = picture, observer.gather(picture, time.time())
        write(picture, STATUS_FILE)
        figures.note(picture)
        for line in changes(before, picture):
            (log.warning if line.bad else log.info)(line.text)
        if not all(each.alive for each in observer.questions):
            sys.exit("ERROR: a question is asked no longer; the traceback is above")
        if stop.wait(EVERY_SECONDS):
            return


if __name__ == "__main__":
    main()
