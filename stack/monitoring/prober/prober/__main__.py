"""Runs the prober. Exit code 2: a setting is missing or malformed."""

from __future__ import annotations

import time
from pathlib import Path

import structlog
from prometheus_client import start_http_server

from prober import logs, metrics, settings
from prober.attempt import attempt
from prober.edges import Edges
from prober.pages import Pages

EVERY_SECONDS = 60.0
PORT = 9100

log = structlog.get_logger()


def main() -> None:
    """Make up a vote once a minute for as long as the process lives."""
    logs.configure()
    configured = settings.load()
    edges = Edges(configured)
    pages = Pages(configured, edges)
    start_http_server(PORT)
    log.info("prober started", vote=configured.vote_host, result=configured.result_host)
    while True:
        began = time.monotonic()
        Path(configured.heartbeat_file).touch()
        done = attempt(configured, edges, pages)
        metrics.note(done)
        log.info("test vote", **done._asdict())
        time.sleep(max(0.0, began + EVERY_SECONDS - time.monotonic()))


if __name__ == "__main__":
    main()
