"""Where a request comes from, as far as those tell who can be believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

SITE_BITS = 64


def parse_networks(listed: str) -> tuple[Network, ...]:
    """Return the networks of a comma-separated list; raise ValueError for what is none."""
    return tuple(ip_network(part.strip()) for part in listed.split(",") if part.strip())


def source_of(environ: Mapping[str, Any], proxies: Sequence[Network] = ()) -> str:
    """Return the address of who sent a request; of IPv6 the /64, which is one customer's as a rule.

    Exactly one proxy, the edge, stands before us: it drops what its client says in X-Forwarded-For and adds
    the client's address. Only of the `proxies` that are trusted it keeps the list, so from its end on the
    first address that is not one of theirs is the sender's. (X-Real-Ip would then be whatever a client wrote
    there, if such a proxy did not overwrite it.) A request from inside the network has no such header.
    """
    told = environ.get("HTTP_X_FORWARDED_FOR") or environ.get("REMOTE_ADDR", "")
    source: Address | None = None
    for text in reversed(told.split(",")):
        if (address := _parsed(text)) is None:
            break
        source = address
        if not any(address in network for network in proxies):
            break
    return _site(source)


def _parsed(text: str) -> Address | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    return (address.version == 6 and address.ipv4_mapped) or address


def _site(address: Address | None) -> str:
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), SITE_BITS), strict=False))
    return str(address or "")
