from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from acme import messages
from acme.errors import ARIError

from certificates.authority.authority import AwayError, RefusedError
from certificates.authority.server import Server
from certificates.authority.session import Session
from certificates.state.accounts import Account
from certificates.state.records import Records

# Nobody listens there.
CLOSED = "http://127.0.0.1:1/directory"


class Accounts(Records):
    """Keeps an account in memory."""

    def __init__(self) -> None:
        self.kept: Account | None = None

    def account(self, authority: str) -> Account | None:
        return self.kept

    def keep_account(self, authority: str, account: Account) -> None:
        self.kept = account


class Answers(ThreadingHTTPServer):
    """Sends the same to everybody."""

    daemon_threads = True

    def __init__(self, status: int, headers: dict[str, str], body: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status, self.headers, self.body = status, headers, body.encode()


class Handler(BaseHTTPRequestHandler):
    server: Answers

    def do_GET(self) -> None:
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def answering(status: int, headers: dict[str, str], body: str) -> Iterator[str]:
    """Answer every question alike, and give the server's address."""
    with Answers(status, headers, body) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/directory"
        server.shutdown()


def connect(directory: str) -> None:
    session = Session(Server(directory, "ops@example.org"), directory, Accounts())
    with session.asking():
        assert session.client


def test_who_does_not_listen_is_away() -> None:
    with pytest.raises(AwayError, match=r"^the ACME server does not answer: "):
        connect(CLOSED)


PROBLEM = json.dumps({"type": "urn:ietf:params:acme:error:rateLimited", "detail": "too many"})
REFUSALS: dict[str, tuple[int, dict[str, str], str, timedelta | None]] = {
    "a page": (200, {}, "<html>", None),
    "no directory": (200, {}, "{}", None),
    "a list": (200, {}, "[]", None),
    "an error that says when it is over": (503, {"Retry-After": "120"}, "", timedelta(minutes=2)),
    "an error that says so for a week": (503, {"Retry-After": "604800"}, "", timedelta(days=1)),
    "a rate limit": (429, {"Retry-After": "3600"}, PROBLEM, timedelta(hours=1)),
    "a rate limit for a day and a second": (429, {"Retry-After": "86401"}, PROBLEM, timedelta(days=1)),
    "a rate limit for ages": (429, {"Retry-After": "9" * 30}, PROBLEM, None),
    "no rate limit": (404, {"Retry-After": "120"}, "", None),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_who_answers_something_else_refuses_and_may_say_for_how_long(case: str) -> None:
    status, headers, body, again = REFUSALS[case]
    with (
        answering(status, headers, body) as directory,
        pytest.raises(RefusedError, match=r"^the ACME server refuses: ") as refused,
    ):
        connect(directory)
    assert refused.value.again == again


FAILURES: dict[str, tuple[int, dict[str, str], str, str]] = {
    "an error": (500, {}, "", "HTTP 500"),
    "an error with words": (500, {}, PROBLEM, "too many (rateLimited)"),
    "another server's": (502, {}, "<html>", "HTTP 502"),
    "an error that says when it is over by a date": (
        *(503, {"Retry-After": "Sat, 28 Nov 2026 12:00:00 GMT"}, ""),
        "HTTP 503",
    ),
    "an error that is over at once": (503, {"Retry-After": "0"}, "", "HTTP 503"),
    "an error for which no time can be said": (500, {"Retry-After": "120"}, "", "HTTP 500"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_server_with_a_failure_of_its_own_is_away(case: str) -> None:
    status, headers, body, said = FAILURES[case]
    with answering(status, headers, body) as directory, pytest.raises(AwayError) as away:
        connect(directory)
    assert str(away.value) == f"the ACME server has a failure of its own: {said}"


def test_the_servers_own_words_are_said() -> None:
    headers = {"Content-Type": "application/problem+json"}
    with answering(429, headers, PROBLEM) as directory, pytest.raises(RefusedError) as refused:
        connect(directory)
    assert str(refused.value) == "the ACME server refuses: too many (rateLimited)"


# What happened when advice was asked for; what is raised for it.
HIDDEN: dict[str, tuple[Exception, type[Exception], str]] = {
    "no answer": (requests.ConnectionError("no route"), AwayError, "does not answer: no route"),
    "a refusal": (
        messages.Error.with_code("malformed", detail="none"),
        RefusedError,
        r"refuses: none \(malformed\)",
    ),
}


@pytest.mark.parametrize("case", HIDDEN)
def test_what_the_library_hides_behind_an_error_of_its_own_is_said(case: str) -> None:
    cause, raised, said = HIDDEN[case]
    session = Session(Server(CLOSED, "ops@example.org"), CLOSED, Accounts())
    with pytest.raises(raised, match=said), session.asking():
        raise ARIError("failed to fetch", datetime.now(UTC)) from cause


def test_the_accounts_key_is_kept_before_the_account_is_made() -> None:
    accounts = Accounts()
    session = Session(Server(CLOSED, "ops@example.org"), CLOSED, accounts)
    with pytest.raises(AwayError), session.asking():
        assert session.client
    kept = accounts.kept
    assert kept is not None
    assert (kept.url, kept.key[:10]) == (None, "-----BEGIN")
    with pytest.raises(AwayError), session.asking():
        assert session.client
    assert accounts.kept == kept
