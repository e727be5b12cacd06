"""The end of a process that is asked for by a signal."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

EXIT_AT_ONCE = 3


def stop_on_signal() -> threading.Event:
    """Return an event that the first SIGTERM sets; the second one ends the process with code 3."""
    stop = threading.Event()

    # Nothing may be raised from here: the database's client would answer with a cancel request.
    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(EXIT_AT_ONCE)
        stop.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    return stop
