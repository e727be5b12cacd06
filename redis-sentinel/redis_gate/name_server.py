"""Answer at once for the names that the Docker engine does not know, and let the cluster's own names exist.

The name of a container that died, or whose node was cut off, is unknown until it is healthy and the nodes
have talked again. An engine then asks the next name server, which nobody reaches from an internal network:
each look-up takes a second, Sentinel makes several in one turn of its loop, and two lost seconds stop it
for thirty (TILT). A service with `dns: [127.0.0.1]` has the engine ask this process instead.

A Sentinel that hears of a new primary whose name does not exist believes the news and keeps the old address
(Redis 8.0, `sentinelProcessHelloMessage`). From then on it turns the new primary into a replica of the old
one, and the others turn it back. So each node always has an address; as long as the engine knows no better
it is one that no connection can be made to, and Sentinel asks again at every attempt.
"""

import socket
import struct
from collections.abc import Sequence
from contextlib import suppress

HEADER = struct.Struct("!6H")
NO_SUCH_NAME, NO_ERROR = 0x8183, 0x8180
TYPE_A, CLASS_IN = 1, 1
NAME_OF_THE_QUESTION = 0xC00C
TTL_SECONDS = 0
# Multicast addresses for documentation (RFC 6676): to those TCP cannot connect, whatever the routes.
NOWHERE = bytes((233, 252, 0))


def answer(query: bytes, nodes: Sequence[str]) -> bytes:
    """Return the answer to a query (RFC 1035): an address of its own for each node, nothing for other names.

    Raises ValueError if it is no query of one name.
    """
    name, kind, question = _question(query)
    identity = HEADER.unpack_from(query)[0]
    if name not in nodes:
        return HEADER.pack(identity, NO_SUCH_NAME, 1, 0, 0, 0) + question
    if kind != TYPE_A:
        return HEADER.pack(identity, NO_ERROR, 1, 0, 0, 0) + question
    address = NOWHERE + bytes((nodes.index(name) + 1,))
    record = struct.pack("!3HIH", NAME_OF_THE_QUESTION, TYPE_A, CLASS_IN, TTL_SECONDS, len(address)) + address
    return HEADER.pack(identity, NO_ERROR, 1, 1, 0, 0) + question + record


def _question(query: bytes) -> tuple[str, int, bytes]:
    """Return name and type of the question, and the whole of it as it was sent."""
    labels, at = [], HEADER.size
    try:
        while length := query[at]:
            labels.append(query[at + 1 : at + 1 + length].decode("ascii").lower())
            at += 1 + length
        (kind,) = struct.unpack_from("!H", query, at + 1)
    except (IndexError, UnicodeDecodeError, struct.error) as error:
        raise ValueError("not a question") from error
    return ".".join(labels), kind, query[HEADER.size : at + 5]


def serve_one(server: socket.socket, nodes: Sequence[str]) -> None:
    """Answer the next query. Who has left, or asks no question, gets nothing."""
    query, client = server.recvfrom(512)
    with suppress(ValueError, OSError):
        server.sendto(answer(query, nodes), client)


def main(nodes: Sequence[str]) -> None:
    """Answer until the container ends."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 53))
        while True:
            serve_one(server, nodes)
