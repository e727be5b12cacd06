"""The local authority: no name has to be proved, and nothing else has to be there."""

from pathlib import Path

from kit.certificates import Edges, running_edges
from kit.waiting import wait_until

EDGES = ("edge-1", "edge-2")
LIFE = "40"


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
        wait_until(lambda: the_same(edges) not in {first, None}, 60, lambda: str(edges.status()))
        assert all(edges.valid(edge, local) for edge in EDGES)


def the_same(edges: Edges) -> int | None:
    """Return the number of the one certificate that every edge shows; None if they differ."""
    serials = {shown.serial_number if (shown := edges.shown(edge)) else None for edge in EDGES}
    return serials.pop() if len(serials) == 1 else None
