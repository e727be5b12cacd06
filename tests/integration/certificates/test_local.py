"""The local authority: no name has to be proved, and nothing else has to be there."""

import json
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from kit.certificates import Edges, running_edges
from kit.images import reference
from kit.inside import Inside
from kit.waiting import wait_until

EDGES = ("edge-1", "edge-2")
LIFE = "40"
UNKNOWN = "certificate signed by unknown authority"
UNVERIFIED = "certificate verify failed"
# Never says anything over any of its connections.
SILENT = """
import socket, time
while True:
    kept = [socket.create_connection(("certificates", 8081), 5) for _ in range(200)]
    time.sleep(1)
"""


def test_https_comes_before_the_database_and_is_renewed(tmp_path: Path) -> None:
    with running_edges(tmp_path) as edges:
        edges.stop("postgres")
        local = edges.authority.cert_pem.bytes().decode()
        for edge in EDGES:
            edges.run_copy(edge, LOCAL_LIFE_SECONDS=LIFE)
            edges.run_edge(edge)
        wait_until(lambda: all(edges.valid(edge, local) for edge in EDGES), 60)
        edges.start("postgres")
        wait_until(lambda: edges.status().get("issuer") == "local", 60, lambda: edges.logs("copy-edge-1"))
        first = wait_until(lambda: the_same(edges))
        edges.run("silent", reference("worker"), "--entrypoint", "python", command=("-c", SILENT))
        wait_until(lambda: the_same(edges) not in {first, None}, 60, lambda: str(edges.status()))
        assert all(edges.valid(edge, local) for edge in EDGES)
        assert edges.logs("silent") == ""


def the_same(edges: Edges) -> int | None:
    """Return the number of the one certificate that every edge shows; None if they differ."""
    serials = {shown.serial_number if (shown := edges.shown(edge)) else None for edge in EDGES}
    return serials.pop() if len(serials) == 1 else None


def test_nobody_takes_anything_from_whom_their_authority_does_not_know(tmp_path: Path) -> None:
    with running_edges(tmp_path) as edges:
        local = edges.authority.cert_pem.bytes().decode()
        elsewhere = Inside(tmp_path / "elsewhere", "certificates")
        edges.run_copy("edge")
        wait_until(lambda: edges.provided("copy-edge"))
        edges.run_edge("edge")
        edges.run_edge("wary", elsewhere)
        wait_until(lambda: UNKNOWN in edges.logs("wary"))
        assert not edges.valid("wary", local)
        wait_until(lambda: edges.valid("edge", local))
        assert gives(edges, "copy-edge", edges.inside, "edge")
        edges.run_copy("impostor", elsewhere)
        edges.kill("copy-edge")
        wait_until(lambda: UNKNOWN in edges.logs("edge"))
        wait_until(lambda: UNVERIFIED in edges.logs("copy-impostor"))  # nor does it know the database
        assert edges.valid("edge", local)
        assert not gives(edges, "copy-impostor", elsewhere, "edge")


def gives(edges: Edges, copy: str, inside: Inside, edge: str) -> bool:
    """Say whether a copy gives out the certificate that an edge shows."""
    shown = edges.shown(edge)
    assert shown
    status, text = edges.provided(copy, inside) or (0, "")
    assert status == 200
    return json.dumps(shown.public_bytes(Encoding.PEM).decode().strip())[1:-1] in text
