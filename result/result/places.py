"""How many viewers there is room for, so that neither memory nor the number of open files ever decides."""

from __future__ import annotations

import resource

from result.container import memory_limit

MEBIBYTE = 2**20
# What the service takes without viewers, and a reserve.
OWN_BYTES = 112 * MEBIBYTE
# A viewer takes 65 kB; one who means harm, with a request of each kind under way, a third more.
VIEWER_BYTES = 96 * 1024
CONNECTIONS_OF_A_VIEWER = 3
OWN_CONNECTIONS = 500
MOST = 4_000


def places(memory_bytes: int | None, files: int) -> int:
    """Return for how many viewers so much memory (None: without limit) and so many open files suffice."""
    by_memory = MOST if memory_bytes is None else (memory_bytes - OWN_BYTES) // VIEWER_BYTES
    by_files = (files - OWN_CONNECTIONS) // CONNECTIONS_OF_A_VIEWER
    return max(1, min(MOST, by_memory, by_files))


def available() -> int:
    """Return for how many viewers this process has room."""
    return places(memory_limit(), resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def connections(viewers: int) -> int:
    """Return how many connections so many viewers may have, and whoever only looks at a page beside them."""
    return CONNECTIONS_OF_A_VIEWER * viewers + OWN_CONNECTIONS


def raise_file_limit() -> None:
    """Let this process open as many files as the most viewers take, or as many as it may."""
    wanted = connections(MOST)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
