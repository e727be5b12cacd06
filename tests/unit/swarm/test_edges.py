"""A kept connection that ends without an answer, and everything that must not be taken for it."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

import pytest

from swarm import voters
from swarm.edges import Answer, Browser, Site
from swarm.ledger import Ballot
from swarm.voters import Registered

RECORDED = b"HTTP/1.1 200 OK\r\nSet-Cookie: voter_id=v0.1.sig\r\nContent-Length: 2\r\n\r\nok"
HANGS_UP = b""
HALF = b"HTTP/1.1 20"
WITHOUT_PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
CUTS_OFF = (HANGS_UP, HALF, WITHOUT_PAGE)
REFUSED = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\nno"


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out TLS."""
    connect = asyncio.open_connection

    def without_tls(host: str, port: int, **_: object) -> Any:
        return connect(host, port)

    monkeypatch.setattr(asyncio, "open_connection", without_tls)


def answering(answers: list[bytes]) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]:
    """Return an edge that gives each request the next answer, and hangs up after one that is no whole one."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer = RECORDED
        while answer not in CUTS_OFF and await reader.read(4096):
            answer = answers.pop(0)
            writer.write(answer)
        writer.close()

    return serve


async def vote_twice(answers: list[bytes], *, cookie: bool) -> list[Ballot]:
    """Vote twice over a kept connection; return the second vote's ballots."""
    edge = await asyncio.start_server(answering(answers), "127.0.0.1", 0)
    async with edge:
        port = edge.sockets[0].getsockname()[1]
        browser = Browser(Site("vote.example", port, ("127.0.0.1",), ssl.create_default_context()), 0)
        known = Registered(browser, Answer(200, "voter_id=v0.0.sig")) if cookie else None
        await voters.cast(browser, "a", known)
        ballots = await voters.cast(browser, "b", known)
        browser.close()
    return ballots


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    ("answers", "ballots"),
    [
        ([RECORDED, RECORDED], [""]),
        ([RECORDED, HANGS_UP, RECORDED], [voters.SENT_AGAIN, ""]),
        ([RECORDED, HANGS_UP, HANGS_UP], [voters.SENT_AGAIN, "IncompleteReadError"]),
        ([RECORDED, HALF], ["IncompleteReadError"]),
        ([RECORDED, WITHOUT_PAGE], ["IncompleteReadError"]),
        ([RECORDED, REFUSED], ["HTTP 502 from the edge"]),
        ([HANGS_UP, HANGS_UP], ["IncompleteReadError"]),  # on a new connection, both times
    ],
)
def test_only_a_kept_connection_without_a_byte_is_sent_again(
    answers: list[bytes], ballots: list[str]
) -> None:
    cast = asyncio.run(vote_twice(answers, cookie=True))
    assert [ballot.problem for ballot in cast] == ballots
    assert [ballot.again for ballot in cast] == [True, False][-len(ballots) :]
    assert len({ballot.sent for ballot in cast}) == 1


@pytest.mark.usefixtures("plain")
def test_without_a_cookie_nothing_is_sent_again() -> None:
    (ballot,) = asyncio.run(vote_twice([RECORDED, HANGS_UP, RECORDED], cookie=False))
    assert not ballot.again
    assert not ballot.acknowledged
