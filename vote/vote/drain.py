"""The end of a process, in an order that loses neither a request nor a vote."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from types import FrameType
from typing import cast

import gevent
import structlog
from flask import Flask

from vote.alone import Worker
from vote.queue import Queue

log = structlog.get_logger()


@dataclass
class Lifetime:
    """Whether this process is about to end, and what it must finish first."""

    queue: Queue
    drain_seconds: float
    draining: bool = False

    def end(self) -> None:
        """Go on serving until the edge has heard of it, then finish what was accepted."""
        log.info("draining", seconds=self.drain_seconds)
        time.sleep(self.drain_seconds)
        self.queue.finish()
        log.info("drained")


class DrainingWorker(Worker):
    """gunicorn's gevent worker, which on SIGTERM drains before it stops accepting."""

    def handle_exit(self, _sig: int, _frame: FrameType | None) -> None:
        """Begin to drain, or end at once where the page is not there yet; a second signal changes nothing."""
        if not self.booted:
            sys.exit()
        lifetime: Lifetime = cast(Flask, self.wsgi).extensions["lifetime"]
        if not lifetime.draining:
            lifetime.draining = True
            gevent.spawn(self._leave, lifetime)

    def _leave(self, lifetime: Lifetime) -> None:
        lifetime.end()
        # What is still open is idle: nothing to wait for, gunicorn's own timeout is for the drain.
        self.cfg.set("graceful_timeout", 1)
        self.alive = False
