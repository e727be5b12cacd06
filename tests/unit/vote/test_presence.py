"""Whoever hung up is not waiting for an answer."""

import socket

from vote.presence import is_waiting


def test_an_open_connection_is_waited_on_and_stays_unread() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert is_waiting(ours)
        theirs.sendall(b"more")
        assert is_waiting(ours)
        assert ours.recv(4) == b"more"


def test_a_closed_one_is_not_even_with_bytes_unread() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        theirs.sendall(b"a request")
        theirs.close()
        assert not is_waiting(ours)


def test_without_a_network_there_is_nothing_to_ask() -> None:
    assert is_waiting(None)
