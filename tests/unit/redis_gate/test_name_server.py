"""What is answered for the names that the engine does not know."""

import socket
from pathlib import Path

import pytest

from redis_gate.name_server import answer, serve_one

NODES = ("redis-1", "redis-2", "sentinel-1")
HEADER = b"\x12\x34" + b"\x01\x00" + b"\x00\x01" + bytes(6)
A, AAAA, IN = b"\x00\x01", b"\x00\x1c", b"\x00\x01"
# What a resolver adds to its query, and no answer repeats.
EDNS = b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"


def question(name: str, kind: bytes = A) -> bytes:
    labels = b"".join(bytes((len(label),)) + label.encode() for label in name.split("."))
    return labels + b"\x00" + kind + IN


@pytest.mark.parametrize(
    ("name", "address"),
    [("redis-1", (233, 252, 0, 1)), ("REDIS-2", (233, 252, 0, 2)), ("sentinel-1", (233, 252, 0, 3))],
)
def test_each_node_has_an_address_of_its_own(name: str, address: tuple[int, ...]) -> None:
    asked = question(name)
    reply = answer(HEADER + asked + EDNS, NODES)
    assert reply[:4] == b"\x12\x34\x81\x80"
    assert reply[4:12] == b"\x00\x01\x00\x01" + bytes(4)
    assert reply[12:] == asked + b"\xc0\x0c" + A + IN + bytes(4) + b"\x00\x04" + bytes(address)


def test_a_node_has_no_address_of_another_kind() -> None:
    asked = question("redis-1", AAAA)
    assert answer(HEADER + asked, NODES) == b"\x12\x34\x81\x80\x00\x01" + bytes(6) + asked


@pytest.mark.parametrize("name", ["redis-3", "redis-1.example.org", "example.org"])
def test_no_other_name_exists(name: str) -> None:
    asked = question(name)
    assert answer(HEADER + asked, NODES) == b"\x12\x34\x81\x83\x00\x01" + bytes(6) + asked


@pytest.mark.parametrize("query", [b"", HEADER, HEADER + b"\x07redis", HEADER + b"\x02\xff\xfe\x00" + A + IN])
def test_no_question(query: bytes) -> None:
    with pytest.raises(ValueError, match="not a question"):
        answer(query, NODES)


def test_who_has_left_or_asks_no_question_is_no_end_of_it(tmp_path: Path) -> None:
    """Sockets in a folder: there an answer to who has left fails."""
    with datagrams(tmp_path / "server") as server:
        with datagrams(tmp_path / "leaves") as leaves:
            leaves.sendto(HEADER + question("redis-1"), str(tmp_path / "server"))
        with datagrams(tmp_path / "stays") as stays:
            for asked in (b"garbage", HEADER + question("redis-1")):
                stays.sendto(asked, str(tmp_path / "server"))
            for _ in range(3):
                serve_one(server, NODES)
            assert stays.recv(512)[:2] == HEADER[:2]


def datagrams(path: Path) -> socket.socket:
    """Return a socket that has a path for its address."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.settimeout(5)
    made.bind(str(path))
    return made
