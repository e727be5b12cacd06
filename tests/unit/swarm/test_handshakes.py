import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import trustme

from swarm.handshakes import Handshake, Visitors, counted, shake

NAME = "vote.example.test"
HERE = "127.0.0.1"


@contextmanager
def edge(authority: trustme.CA | None) -> Iterator[int]:
    """Serve a certificate of an authority, or hang up before any; give the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if authority:
        authority.issue_cert(NAME).configure_cert(context)

    def serve() -> None:
        while True:
            try:
                plain, _ = listening.accept()
            except OSError:
                return
            with plain, contextlib.suppress(OSError):
                if authority:
                    context.wrap_socket(plain, server_side=True).close()
                else:
                    plain.recv(1000)

    with socket.create_server((HERE, 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def trust(authority: trustme.CA) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())


def test_a_valid_certificate_is_told_by_its_number() -> None:
    authority = trustme.CA()
    with edge(authority) as port:
        found = shake(HERE, port, NAME, trust(authority))
    assert (found.kind, found.problem) == ("valid", "")
    assert int(found.serial, 16) > 0


def test_another_authority_and_another_name_are_invalid() -> None:
    authority = trustme.CA()
    with edge(authority) as port:
        stranger = shake(HERE, port, NAME, trust(trustme.CA()))
        elsewhere = shake(HERE, port, "other.example.test", trust(authority))
    assert {stranger.kind, elsewhere.kind} == {"invalid"}
    assert "issuer" in stranger.problem
    assert "mismatch" in elsewhere.problem


def test_an_edge_that_is_off_or_hangs_up_refuses() -> None:
    with edge(None) as port:
        assert shake(HERE, port, NAME, trust(trustme.CA())).kind == "refused"
    assert shake(HERE, port, NAME, trust(trustme.CA())).kind == "refused"


def test_visitors_see_whether_all_edges_show_the_same() -> None:
    visitors = Visitors(("a", "b"), 443, (NAME,), trust(trustme.CA()))
    for one in (
        Handshake(1, "a", "valid", "01"),
        Handshake(2, "a", "valid", "02"),
        Handshake(3, "b", "refused"),
    ):
        visitors._made[one.edge].append(one)
    assert visitors.shown(["a"]) == "02"
    assert visitors.shown(["a", "b"]) is None
    assert visitors.shown(["b"]) is None
    assert visitors.first_valid("a", since=1.5) == 2
    assert visitors.serials() == {"01", "02"}
    assert counted(visitors.at("a") + visitors.at("b")) == "2/0/1"
