from __future__ import annotations

import socket
import time

import pytest

from worker.watchdog import watchdog


def test_a_silent_server_is_left_after_the_time() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        began = time.monotonic()
        with watchdog(ours.fileno(), 0.1):
            assert ours.recv(1) == b""
        assert 0.1 <= time.monotonic() - began < 5


def test_a_server_that_answers_is_left_alone() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with watchdog(ours.fileno(), 0.1):
            theirs.send(b"x")
            assert ours.recv(1) == b"x"
        time.sleep(0.2)
        theirs.send(b"y")
        assert ours.recv(1) == b"y"


def test_a_failure_in_the_block_passes_through() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(KeyError), watchdog(ours.fileno(), 5):
        raise KeyError
