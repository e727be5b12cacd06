"""Threads without which the process is of no use."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import structlog

EXIT_FAILED = 1

log = structlog.get_logger()


def start(target: Callable[[], None], name: str) -> None:
    """Run target for as long as the process lives; should it fail, the process ends with it."""

    def run() -> None:
        try:
            target()
        finally:
            log.critical("thread ended", thread=name, exc_info=True)
            # A process that lives on but is deaf would not be replaced.
            os._exit(EXIT_FAILED)

    threading.Thread(target=run, name=name, daemon=True).start()
