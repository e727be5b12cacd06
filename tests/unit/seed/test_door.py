"""A page is asked by its name, at the address of an edge, over a connection that is checked."""

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import trustme

from seed.door import Door, UnansweredError, UnreachableError

NAME = "vote.example.test"


class _Echo(BaseHTTPRequestHandler):
    """Answers what it was asked; hangs up when asked to."""

    def do_GET(self) -> None:
        self._answer("")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def _answer(self, form: str) -> None:
        if self.path.endswith("hang-up"):
            return
        told = [self.headers["Host"], self.path, form, self.headers.get("Cookie", "")]
        self.send_response(503)
        self.send_header("Set-Cookie", "voter_id=v1; Path=/")
        self.send_header("Set-Cookie", "voted=a.1; Path=/")
        self.send_header("Retry-After", "5")
        self.end_headers()
        self.wfile.write(" ".join(told).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def port(authority: trustme.CA) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(NAME).configure_cert(context)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Echo) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_port
        server.shutdown()


def door(port: int, authority: trustme.CA, url: str) -> Door:
    context = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    return Door(url, "127.0.0.1", port, context)


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        (f"https://{NAME}/", NAME, "/"),
        (f"https://{NAME}:8443/", f"{NAME}:8443", "/"),
        (f"https://{NAME}/vote/", NAME, "/vote/"),
    ],
)
def test_the_page_is_asked_by_its_name_wherever_it_is(
    port: int, authority: trustme.CA, url: str, host: str, path: str
) -> None:
    page = door(port, authority, url)
    answer = page.post("vote=a", "voter_id=v0")
    assert answer.body.decode() == f"{host} {path} vote=a voter_id=v0"
    assert (answer.status, answer.retry_after) == (503, "5")
    assert answer.cookies == ["voter_id=v1", "voted=a.1"]
    assert page.get("results.json").body.decode().split() == [host, f"{path}results.json"]


def test_a_stranger_with_the_pages_name_is_told_nothing(port: int) -> None:
    with pytest.raises(UnreachableError, match="certificate verify failed"):
        door(port, trustme.CA(), f"https://{NAME}/").post("vote=a")


def test_a_certificate_of_another_name_is_none(port: int, authority: trustme.CA) -> None:
    with pytest.raises(UnreachableError, match="Hostname mismatch"):
        door(port, authority, "https://result.example.test/").post("vote=a")


def test_a_connection_that_is_cut_leaves_a_vote_unanswered(port: int, authority: trustme.CA) -> None:
    with pytest.raises(UnansweredError):
        door(port, authority, f"https://{NAME}/hang-up").post("vote=a")
