"""What the edge speaks with whoever connects: versions and cipher suites of TLS, and HTTP/2."""

import secrets
import socket
import ssl
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import pytest

from kit.containers import joined, own_network
from kit.edge import HOSTS, PORT, running_edge
from kit.images import reference
from kit.waiting import wait_until

VOTE = HOSTS[0]
# Mozilla's "intermediate" without DHE: forward secrecy, and AEAD.
MODERN = {
    0xC02B: "ECDHE-ECDSA-AES128-GCM-SHA256",
    0xC02F: "ECDHE-RSA-AES128-GCM-SHA256",
    0xC02C: "ECDHE-ECDSA-AES256-GCM-SHA384",
    0xC030: "ECDHE-RSA-AES256-GCM-SHA384",
    0xCCA9: "ECDHE-ECDSA-CHACHA20-POLY1305",
    0xCCA8: "ECDHE-RSA-CHACHA20-POLY1305",
}
# Says that a client tries again with less than it can: no suite, and refused with any.
FALLBACK = 0x5600
EVERY_SUITE = [number for number in range(0x10000) if number != FALLBACK]
AT_ONCE = 4096
SSL_3, TLS_1_0, TLS_1_1, TLS_1_2 = range(0x0300, 0x0304)
ALERT, HANDSHAKE, HEARTBEAT = 21, 22, 24
HANDSHAKE_FAILURE, UNEXPECTED_MESSAGE, PROTOCOL_VERSION = 40, 10, 70
HEARTBEAT_EXTENSION = 15
# server_name, supported_groups, ec_point_formats, signature_algorithms and heartbeat.
EXTENSIONS = {
    0: b"\x00%c\x00\x00%c" % (len(VOTE) + 3, len(VOTE)) + VOTE.encode(),
    10: bytes.fromhex("0006 001d 0017 0018"),
    11: bytes.fromhex("01 00"),
    13: bytes.fromhex("000c 0403 0804 0805 0806 0401 0503"),
    HEARTBEAT_EXTENSION: bytes.fromhex("01"),
}
HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
# In the static table of RFC 7541: GET, https, /, and the host, a literal; then the answer's status.
HTTP2_HEAD = b"\x82\x87\x84\x01%c" % len(VOTE) + VOTE.encode()
HTTP2_HEADERS, HTTP2_END, STATUS_200 = 1, 5, 0x88


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run an edge, and a page behind it."""
    page = ("--entrypoint", "python", reference("worker"), "-m", "http.server", "8080")
    with (
        own_network("test-tls") as name,
        joined(name, "--network-alias", "vote", *page),
        running_edge(name, tmp_path_factory.mktemp("edge")) as found,
    ):
        wait_until(lambda: http2_status(found) == STATUS_200)
        yield found


def test_every_cipher_suite_that_is_taken_is_a_modern_one(edge: str) -> None:
    """Of all numbers that a suite could have; the certificate's key decides between ECDSA and RSA."""
    taken = {suite for first in range(0, len(EVERY_SUITE), AT_ONCE) for suite in suites_taken(edge, first)}
    assert taken
    assert taken <= MODERN.keys()


@pytest.mark.parametrize("version", [SSL_3, TLS_1_0, TLS_1_1])
def test_what_is_older_than_tls_1_2_is_refused(edge: str, version: int) -> None:
    for first in range(0, len(EVERY_SUITE), AT_ONCE):
        kind, body = next(records(edge, hello(EVERY_SUITE[first : first + AT_ONCE], version)))
        assert (kind, body[1]) == (ALERT, PROTOCOL_VERSION)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken(edge: str, version: ssl.TLSVersion) -> None:
    with connect(edge, version) as connection:
        assert connection.version() == version.name.replace("_", ".")


def test_there_is_no_heartbeat_that_could_bleed_and_no_compression(edge: str) -> None:
    bleeding = bytes([HEARTBEAT, 3, 3, 0, 3, 1, 0x40, 0])
    answers = list(records(edge, hello(MODERN, TLS_1_2) + bleeding))
    _, compression, extensions = server_hello(answers[0][1])
    assert (compression, HEARTBEAT_EXTENSION in extensions) == (0, False)
    assert HEARTBEAT not in [kind for kind, _ in answers]
    assert (answers[-1][0], answers[-1][1][1]) == (ALERT, UNEXPECTED_MESSAGE)


def test_a_page_comes_over_http_2_and_who_cannot_gets_http_1(edge: str) -> None:
    assert http2_status(edge) == STATUS_200
    with connect(edge, alpn=("http/1.1",)) as connection:
        assert connection.selected_alpn_protocol() == "http/1.1"


def suites_taken(edge: str, first: int) -> Iterator[int]:
    """Offer some suites, and then what is left of them, until the edge takes none."""
    left = EVERY_SUITE[first : first + AT_ONCE]
    while True:
        kind, body = next(records(edge, hello(left, TLS_1_2)))
        if kind == ALERT:
            assert body[1] == HANDSHAKE_FAILURE
            return
        suite, _, _ = server_hello(body)
        left.remove(suite)
        yield suite


def hello(suites: Iterable[int], version: int) -> bytes:
    """Return the record with which a client begins, as RFC 5246 has it; it offers to compress as well."""
    numbers = b"".join(suite.to_bytes(2, "big") for suite in suites)
    extensions = b"".join(
        number.to_bytes(2, "big") + sized(content, 2) for number, content in EXTENSIONS.items()
    )
    body = version.to_bytes(2, "big") + secrets.token_bytes(32) + b"\x00" + sized(numbers, 2)
    body += sized(b"\x01\x00", 1) + sized(extensions, 2)
    return bytes([HANDSHAKE, 3, 1]) + sized(b"\x01" + sized(body, 3), 2)


def sized(content: bytes, width: int) -> bytes:
    return len(content).to_bytes(width, "big") + content


def records(edge: str, sent: bytes) -> Iterator[tuple[int, bytes]]:
    """Send something; give the type and the content of each record that comes back."""
    with socket.create_connection((edge, PORT), 10) as connection, connection.makefile("rb") as answer:
        connection.sendall(sent)
        while head := answer.read(5):
            yield head[0], answer.read(int.from_bytes(head[3:], "big"))


def server_hello(body: bytes) -> tuple[int, int, set[int]]:
    """Return the suite, the compression and the extensions that a server has chosen."""
    rest = body[39 + body[38] :]  # after the version, the random number and the session
    suite, compression, extensions = int.from_bytes(rest[:2], "big"), rest[2], rest[5:]
    found, end = set(), int.from_bytes(rest[3:5], "big")
    place = 0
    while place < end:
        found.add(int.from_bytes(extensions[place : place + 2], "big"))
        place += 4 + int.from_bytes(extensions[place + 2 : place + 4], "big")
    return suite, compression, found


def connect(
    edge: str, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3, alpn: tuple[str, ...] = ("h2", "http/1.1")
) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(list(alpn))
    return context.wrap_socket(socket.create_connection((edge, PORT), 10), server_hostname=VOTE)


def http2_status(edge: str) -> int:
    """Ask for the page over HTTP/2; return the first byte of the answer's headers: its status."""
    with connect(edge) as connection, connection.makefile("rb") as answer:
        assert connection.selected_alpn_protocol() == "h2"
        frame = bytes([HTTP2_HEADERS, HTTP2_END, 0, 0, 0, 1])
        connection.sendall(HTTP2_PREFACE + len(HTTP2_HEAD).to_bytes(3, "big") + frame + HTTP2_HEAD)
        return next(body[0] for kind, body in frames(answer) if kind == HTTP2_HEADERS)


def frames(answer: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Give the type and the content of each frame of HTTP/2."""
    while head := answer.read(9):
        yield head[3], answer.read(int.from_bytes(head[:3], "big"))
