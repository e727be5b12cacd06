"""The addresses behind a name."""

import random
import socket


def addresses_of(host: str, port: int) -> list[str]:
    """Return all addresses of a host in random order, so that an attempt does not fix on one."""
    found = {str(a[4][0]) for a in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    return random.sample(sorted(found), len(found))
