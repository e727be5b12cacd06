"""The end of a process, announced to the edge before it happens."""

from __future__ import annotations

from dataclasses import dataclass
from types import FrameType
from typing import cast

import gevent
import structlog
from flask import Flask
from gunicorn.workers.ggevent import GeventWorker

log = structlog.get_logger()


@dataclass
class Lifetime:
    """Whether this process is about to end, and how long it goes on serving then."""

    drain_seconds: float
    draining: bool = False


class DrainingWorker(GeventWorker):
    """gunicorn's gevent worker, which on SIGTERM lets the edge look elsewhere before it stops."""

    def handle_exit(self, _sig: int, _frame: FrameType | None) -> None:
        """Begin to drain; a second signal changes nothing."""
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
