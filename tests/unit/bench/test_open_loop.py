"""Votes at a fixed rate: what is sent, and from when a wait counts."""

import itertools
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast
from urllib.parse import parse_qs

import pytest

from bench import open_loop
from bench.closed_loop import RefusedError
from bench.open_loop import Place
from vote.ballot import wall_milliseconds

COOKIES = ["voter_id=one", "voter_id=two"]
RECORDED = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
NOT_RECORDED = b"HTTP/1.1 503 SERVICE UNAVAILABLE\r\nContent-Length: 0\r\n\r\n"
FROZEN_SECONDS = 0.3


class Poll(socketserver.BaseRequestHandler):
    """Answers each vote of a connection; while the server is frozen, none."""

    def handle(self) -> None:
        server = cast(Server, self.server)
        while self.request.recv(4096):
            server.asked.set()
            server.goes_on.wait()
            self.request.sendall(server.answer)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = open_loop.CONNECTIONS

    def __init__(self, answer: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Poll)
        self.answer = answer
        self.asked, self.goes_on = threading.Event(), threading.Event()
        self.goes_on.set()


@contextmanager
def poll(answer: bytes = RECORDED) -> Iterator[Server]:
    with Server(answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def place(server: Server) -> Place:
    host, port = server.socket.getsockname()
    return Place(host, port)


def test_voters_take_turns_and_change_their_minds_from_round_to_round() -> None:
    sent = [next_.decode() for next_ in itertools.islice(open_loop.requests_of(COOKIES), 5)]
    assert [text.partition("voter_id=")[2][:3] for text in sent] == ["one", "two", "one", "two", "one"]
    assert [text[-1] for text in sent] == ["a", "a", "c", "c", "a"]


def test_a_vote_is_what_the_pages_script_sends() -> None:
    head, _, body = next(open_loop.requests_of(COOKIES)).decode().partition("\r\n\r\n")
    assert f"Content-Length: {len(body)}\r\n" in head
    assert "Content-Type: application/x-www-form-urlencoded;charset=UTF-8\r\n" in head
    fields = {name: value for name, (value,) in parse_qs(body).items()}
    assert abs(int(fields["served"]) + int(fields["after"]) - wall_milliseconds()) < 60_000


def test_every_vote_of_the_rate_is_sent() -> None:
    with poll() as server:
        waits = open_loop.run(place(server), open_loop.requests_of(COOKIES), per_second=200, seconds=0.5)
    assert len(waits.seconds) == 100


def test_a_vote_that_had_to_wait_for_its_turn_counts_from_when_it_was_due() -> None:
    """More votes come due while the service hangs than there are connections."""
    with poll() as server:
        server.goes_on.clear()
        threading.Thread(target=_thaw, args=(server,), daemon=True).start()
        waits = open_loop.run(place(server), open_loop.requests_of(COOKIES), per_second=1000, seconds=0.2)
    assert len(waits.seconds) == 200
    assert max(waits.seconds) >= FROZEN_SECONDS
    # The last of them was due 0.2 s after the first.
    assert min(waits.seconds) >= FROZEN_SECONDS - 0.2


def _thaw(server: Server) -> None:
    server.asked.wait()
    time.sleep(FROZEN_SECONDS)
    server.goes_on.set()


def test_a_refused_vote_ends_the_measurement() -> None:
    with poll(NOT_RECORDED) as server, pytest.raises(RefusedError, match="10 of 10"):
        open_loop.run(place(server), open_loop.requests_of(COOKIES), per_second=100, seconds=0.1)
