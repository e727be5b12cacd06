import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from certificates.outside import reach
from certificates.outside.names import NamesError, NoAddressError, Resolver
from certificates.outside.reach import look
from certificates.plan.findings import Findings

NAME = "vote.example.org"
RECORD = f"A 127.0.0.1 of {NAME}"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nanswer"
# Nobody listens there.
CLOSED_PORT = 1


class Names(Resolver):
    """Answers from a table."""

    def __init__(self, table: dict[str, tuple[str, ...] | NamesError]) -> None:
        self._table = table

    def addresses(self, name: str) -> tuple[str, ...]:
        found = self._table[name]
        if isinstance(found, NamesError):
            raise found
        return found


class Server(socketserver.ThreadingTCPServer):
    """Sends the same to everybody, and keeps what it was asked."""

    daemon_threads = True

    def __init__(self, answer: bytes, ends: bool) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer, self.ends = answer, ends
        self.asked: list[bytes] = []
        self.done = threading.Event()


class Handler(socketserver.BaseRequestHandler):
    server: Server

    def handle(self) -> None:
        self.server.asked.append(self.request.recv(4096))
        self.request.sendall(self.server.answer)
        if not self.server.ends:
            self.server.done.wait()


@contextmanager
def answering(answer: bytes, ends: bool = True) -> Iterator[Server]:
    with Server(answer, ends) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.done.set()
        server.shutdown()


def findings(server: Server) -> Findings:
    return look(Names({NAME: ("127.0.0.1",)}), [NAME], "token", "answer", server.server_address[1])


RIGHT = {
    "as it is": OK,
    "with a line end": b"HTTP/1.0 200 OK\r\n\r\nanswer\r\n",
    "in chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nans\r\n3\r\nwer\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("case", RIGHT)
def test_the_right_answer(case: str) -> None:
    with answering(RIGHT[case]) as server:
        assert findings(server) == Findings()
        request = server.asked[0].decode().splitlines()
    assert request[0] == "GET /.well-known/acme-challenge/token HTTP/1.1"
    assert f"Host: {NAME}" in request


WRONG = {
    "not found": (
        b"HTTP/1.1 404 Not Found\r\n\r\n404 page\n not   found\n",
        "answers 404 (404 page not found)",
    ),
    "without a word": (b"HTTP/1.1 503 Nothing\r\n\r\n", "answers 503"),
    "something else": (b"HTTP/1.1 200 OK\r\n\r\nIt works!", "answers 200 (It works!)"),
    "a part": (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nansw", "answers 200 (answ)"),
    "an address without a redirect": (
        b"HTTP/1.1 404 Not Found\r\nLocation: https://elsewhere.example/\r\n\r\nnot found",
        "answers 404 (not found)",
    ),
    "a redirect to nowhere": (b"HTTP/1.1 302 Found\r\n\r\nFound", "answers 302 (Found)"),
    "what a terminal would obey": (b"HTTP/1.1 200 OK\r\n\r\n\x1b[2Jgone\x07", "answers 200 ([2Jgone)"),
    "much": (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_000, f"answers 200 ({'x' * 60}…)"),
    "another protocol": (b"SSH-2.0-OpenSSH\r\n", "answers with something else than HTTP (SSH-2.0-OpenSSH)"),
    "endless headers": (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200, "answers with something else than HTTP"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_answer_is_named_with_record_and_address(case: str) -> None:
    answer, said = WRONG[case]
    with answering(answer) as server:
        found = findings(server)
    assert found.doubtful == ()
    assert [sentence[: len(f"{RECORD} {said}")] for sentence in found.wrong] == [f"{RECORD} {said}"]


REDIRECTS = {
    "moved": (
        b"HTTP/1.1 301 Moved\r\nLocation: https://elsewhere.example/\r\n\r\nMoved",
        "answers 301 (to https://elsewhere.example/)",
    ),
    "for a while": (
        b"HTTP/1.1 307 Temporary\r\nlocation: /token\r\n\r\nanswer",
        "answers 307 (to /token)",
    ),
}


@pytest.mark.parametrize("case", REDIRECTS)
def test_where_a_redirect_leads_is_not_seen_from_here(case: str) -> None:
    answer, said = REDIRECTS[case]
    with answering(answer) as server:
        assert findings(server) == Findings(doubtful=(f"{RECORD} {said}",))


def test_who_does_not_end_the_connection_has_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "ANSWER_SECONDS", 0.3)
    with answering(OK, ends=False) as server:
        assert findings(server) == Findings()


@pytest.mark.parametrize("ends", [True, False])
def test_who_says_nothing_is_silent(ends: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "ANSWER_SECONDS", 0.3)
    with answering(b"", ends) as server:
        assert findings(server) == Findings(doubtful=(f"{RECORD} does not answer",))


def test_who_does_not_let_us_connect_is_silent() -> None:
    found = look(Names({NAME: ("127.0.0.1",)}), [NAME], "token", "answer", CLOSED_PORT)
    assert found == Findings(doubtful=(f"{RECORD} cannot be reached: Connection refused",))


def test_every_address_of_every_name_is_asked_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "ANSWER_SECONDS", 0.5)
    table = {NAME: ("127.0.0.1", "127.0.0.2", "::1"), "result.example.org": ("127.0.0.1",)}
    with answering(b"", ends=False) as server:
        begin = time.monotonic()
        found = look(Names(dict(table)), table, "token", "answer", server.server_address[1])
        assert time.monotonic() - begin < 1
    assert found.wrong == ()
    assert [sentence.split(" cannot ")[0].split(" does ")[0] for sentence in found.doubtful] == [
        RECORD,
        f"A 127.0.0.2 of {NAME}",
        f"AAAA ::1 of {NAME}",
        "A 127.0.0.1 of result.example.org",
    ]


def test_a_name_without_an_address_is_wrong_and_one_that_dns_is_silent_about_is_not() -> None:
    table = {NAME: NoAddressError("no such name"), "result.example.org": NamesError("no DNS")}
    found = look(Names(dict(table)), table, "token", "answer")
    assert found == Findings(wrong=("no such name",), doubtful=("no DNS",))
