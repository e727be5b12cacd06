"""A lost terminal and `kill` end a command as Ctrl-C does: it gives back what it holds."""

import os
import signal
import stat
from types import FrameType

STREAMS = (0, 1, 2)


def listen() -> None:
    """Turn SIGHUP and SIGTERM into KeyboardInterrupt; `nohup` goes on."""
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _hang_up)
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def _hang_up(number: int, frame: FrameType | None) -> None:
    # To tell a terminal that is gone would fail, and with it what is still to be done.
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in STREAMS:
        if stat.S_ISCHR(os.fstat(stream).st_mode):
            os.dup2(nowhere, stream)
    signal.default_int_handler(number, frame)
