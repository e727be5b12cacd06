"""Whether the voter still waits for the answer.

A request can lie unread for minutes, in a process that hangs or behind a cut network. By then its voter may
have voted again, and what is read late must not pass for the newer vote.
"""

from __future__ import annotations

import select
import socket

from gevent.monkey import get_original

# gevent's own poll would let other requests run first.
_poll: type[select.poll] = get_original("select", "poll")


def is_waiting(connection: socket.socket | None) -> bool:
    """Whether the other end of a request's connection is still open; None is no network at all."""
    if connection is None:
        return True
    poller = _poll()
    poller.register(connection.fileno(), select.POLLRDHUP)
    return not poller.poll(0)
