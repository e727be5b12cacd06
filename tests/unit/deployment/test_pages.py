"""A page is well when a visitor gets it, over a connection whose certificate is valid."""

import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import trustme

from deployment.engine import pages
from deployment.engine.pages import Edge
from deployment.plan.release.entrance import Entrance

HOST = "vote.example.test"
END = datetime(2099, 1, 2, 3, 4, 5, tzinfo=UTC)
ELSEWHERE = "127.0.0.2"
NONE: Mapping[str, int] = {}
NO_HEADERS: Mapping[str, str] = {}


class _Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    statuses: Mapping[str, int]
    more: Mapping[str, str]

    def do_GET(self) -> None:
        told = self.headers["Host"].partition(":")[0] == HOST
        self.send_response(self.statuses.get(self.path, 200) if told else 404)
        for name, value in {"Content-Length": "0", **self.more}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def edge(
    authority: trustme.CA,
    host: str = HOST,
    statuses: Mapping[str, int] = NONE,
    headers: Mapping[str, str] = NO_HEADERS,
) -> Iterator[int]:
    """Serve a page on a port of this machine's loopback; paths answer what is told, else 200."""
    handler = type("Handler", (_Page,), {"statuses": statuses, "more": headers})
    server = HTTPServer(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host, not_after=END).configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def visit(
    port: int, authority: trustme.CA, address: str = "127.0.0.1", *, here: bool = True, path: str = "/"
) -> pages.Visit:
    site = Entrance(
        {"vote": f"https://{HOST}{path}"}, port, local=True, authorities=authority.cert_pem.bytes().decode()
    )
    [found] = pages.visit(site, [Edge("node-1", address, here)])
    return found


def test_a_page_that_comes(authority: trustme.CA) -> None:
    with edge(authority) as port:
        found = visit(port, authority)
    assert found == pages.Visit("node-1", "vote", certificate=True, until=END.isoformat())


@pytest.mark.parametrize(
    ("newest", "edges"),
    [(END, ["old"]), (END - timedelta(days=1), ["good"]), (END + timedelta(days=1), ["good", "old"])],
)
def test_an_edge_that_does_not_show_the_newest_certificate(newest: datetime, edges: list[str]) -> None:
    earlier = (END - timedelta(days=1)).isoformat()
    visits = [
        pages.Visit("good", "vote", certificate=True, until=END.isoformat()),
        pages.Visit("good", "result", certificate=True, until=END.isoformat()),
        pages.Visit("old", "vote", certificate=True, until=earlier),
        pages.Visit("silent", "vote", "does not answer: Connection refused"),
    ]
    assert pages.outdated(visits, newest.isoformat()) == edges


@pytest.mark.parametrize(("path", "status"), [("/", 502), ("/readyz", 503), ("/", 301)])
def test_a_page_that_is_refused(authority: trustme.CA, path: str, status: int) -> None:
    with edge(authority, statuses={path: status}) as port:
        found = visit(port, authority)
    assert (found.problem, found.certificate) == (f"{path} answers {status}", True)


def test_the_page_of_a_maintenance_is_what_a_visitor_is_to_get(authority: trustme.CA) -> None:
    """As long as no votes are taken; afterwards it would keep people from voting."""
    with edge(authority, statuses={"/": 503}, headers={"Vote-Intake": "maintenance"}) as port:
        found = visit(port, authority)
        site = Entrance({"vote": f"https://{HOST}/"}, port, local=True)
    assert (found.problem, found.paused) == ("", True)
    assert pages.problems(site, [found]) == []
    assert "voting is paused" in pages.problems(site, [found], votes_taken=True)[0]
    with edge(authority, statuses={"/": 503, "/readyz": 503}) as port:
        assert visit(port, authority).problem == "/ answers 503"


@pytest.mark.parametrize(
    ("path", "problem"), [("/vote/", "/vote/ answers 404"), ("/vote/readyz", "/vote/readyz answers 404")]
)
def test_a_page_under_a_path_is_asked_for_there(authority: trustme.CA, path: str, problem: str) -> None:
    elsewhere = {"/": 500, "/readyz": 500}
    with edge(authority, statuses=elsewhere) as port:
        assert visit(port, authority, path="/vote/").problem == ""
    with edge(authority, statuses={path: 404}) as port:
        assert visit(port, authority, path="/vote/").problem == problem


def test_a_certificate_of_somebody_else(authority: trustme.CA) -> None:
    with edge(trustme.CA()) as port:
        found = visit(port, authority)
    assert found.certificate is False
    assert "no valid certificate" in found.problem


def test_a_certificate_for_another_name(authority: trustme.CA) -> None:
    with edge(authority, host="elsewhere.example.test") as port:
        assert visit(port, authority).certificate is False


def test_nobody_lets_in_on_this_machine(authority: trustme.CA) -> None:
    with edge(authority) as port:
        pass
    found = visit(port, authority)
    assert found.checked
    assert "does not answer" in found.problem


def test_another_machine_that_does_not_let_us_in_was_not_checked(authority: trustme.CA) -> None:
    with edge(authority) as port:
        found = visit(port, authority, ELSEWHERE, here=False)
    assert not found.checked
    assert pages.problems(Entrance({"vote": f"https://{HOST}/"}, port, local=True), [found]) == []


def test_a_private_authority_is_trusted_beside_the_systems_own(authority: trustme.CA) -> None:
    with edge(authority) as port:
        site = Entrance(
            {"vote": f"https://{HOST}/"}, port, local=False, authorities=authority.cert_pem.bytes().decode()
        )
        [found] = pages.visit(site, [Edge("node-1", "127.0.0.1", here=True)])
        [stranger] = pages.visit(
            Entrance({"vote": f"https://{HOST}/"}, port, local=False), [Edge("n", "127.0.0.1", here=True)]
        )
    assert not found.problem
    assert stranger.certificate is False
