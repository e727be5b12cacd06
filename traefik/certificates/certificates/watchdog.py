"""Frees a client from a server that is frozen."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def watchdog(descriptor: int, seconds: float) -> Iterator[None]:
    """Shut the socket behind a descriptor down when the block takes longer than so many seconds.

    A frozen server still acknowledges TCP, so no timeout of the network ends the wait. A cancel
    request would: but it makes a commit that waits for its standby report success.
    """
    # A descriptor of our own: the connection's may be closed and reused before the alarm.
    with socket.socket(fileno=os.dup(descriptor)) as own:
        alarm = threading.Timer(seconds, _cut, (own,))
        alarm.daemon = True
        alarm.start()
        try:
            yield
        finally:
            alarm.cancel()
            alarm.join()


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # The other side was faster.
