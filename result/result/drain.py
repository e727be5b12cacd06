"""The end of a process, announced to the edge before it happens."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import FrameType
from typing import cast

import gevent
import structlog
from flask import Flask

from result.alone import Worker

log = structlog.get_logger()


@dataclass
class Lifetime:
    """Whether this process is about to end, and how long it goes on serving then."""

    drain_seconds: float
    draining: bool = False


class DrainingWorker(Worker):
    """gunicorn's gevent worker, which on SIGTERM lets the edge look elsewhere before it stops."""

    def handle_exit(self, _sig: int, _frame: FrameType | None) -> None:
        """Begin to drain, or end at once where the page is not there yet; a second signal changes nothing."""
        if not self.booted:
            sys.exit()
        lifetime: Lifetime = cast(Flask, self.wsgi).extensions["lifetime"]
        if not lifetime.draining:
            lifetime.draining = True
            gevent.spawn(self._leave, lifetime.drain_seconds)

    def _leave(self, seconds: float) -> None:
        log.info("draining", seconds=seconds)
        gevent.sleep(seconds)
        # Viewers' connections never end by themselves; cut, they come back to another replica.
        self.cfg.set("graceful_timeout", 0)
        self.alive = False
