"""Runs a worker.

Exit codes: 0 the batch in hand was finished after SIGTERM; 2 a setting is missing or malformed;
3 a second SIGTERM came, and what was in hand is delivered again to another worker.
"""

from __future__ import annotations

import socket

import structlog

from worker import exporter, logs, settings
from worker.access import connect_queue
from worker.consume import Consumer
from worker.patience import Patience
from worker.signals import stop_on_signal
from worker.store import Store
from worker.stream import Stream

log = structlog.get_logger()


def main() -> None:
    """Work until SIGTERM."""
    logs.configure()
    configured = settings.load()
    access = configured.access
    stop = stop_on_signal()
    exporter.start(configured.metrics_port)
    consumer = Consumer(
        Stream(connect_queue(access, access.redis_host), socket.gethostname()),
        Store(access),
        Patience(stop, configured.heartbeat_file),
        stop,
        configured.closes,
    )
    log.info("worker started")
    consumer.run()
    log.info("worker stopped")


if __name__ == "__main__":
    main()
