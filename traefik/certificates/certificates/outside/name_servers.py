"""The DNS servers to ask, as they are configured."""

import re
from contextlib import suppress
from ipaddress import ip_address

DNS_PORT = 53
SERVER = re.compile(r"(?:\[(?P<ipv6>[^]]+)\]|(?P<ipv4>[^:]+))(?::(?P<port>\d{1,5}))?")


def parse_servers(text: str) -> tuple[tuple[str, int], ...]:
    """Read a list of DNS servers, separated by commas; raise ValueError."""
    return tuple(_server(part.strip()) for part in text.split(",") if part.strip())


def _server(text: str) -> tuple[str, int]:
    found = SERVER.fullmatch(text)
    port = int(found["port"] or DNS_PORT) if found else 0
    with suppress(ValueError):
        if found and 0 < port < 2**16:
            return str(ip_address(found["ipv6"] or found["ipv4"])), port
    raise ValueError(
        f"{text!r} is not the address of a DNS server. Write it like 192.0.2.53, 192.0.2.53:5353 or "
        "[2001:db8::1]:53."
    )
