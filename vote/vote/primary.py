"""Which Redis answered, and whether it may be trusted with a vote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from vote.errors import ServiceError


class Identity(NamedTuple):
    """A primary's reign: the same process that was demoted and came back has another replid."""

    run_id: str
    replid: str


class NotAcceptingError(ServiceError):
    """What answered cannot acknowledge a vote; nothing was promised, another attempt may succeed."""


def identify(info: str) -> Identity:
    """Read the identity from the reply to INFO.

    Raises NotAcceptingError for anything but a primary with a replica, which alone can confirm.
    """
    facts = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    if facts.get("role") != "master":
        raise NotAcceptingError(f"role is {facts.get('role')}")
    if facts.get("connected_slaves", "0") == "0":
        raise NotAcceptingError("the primary has no replica")
    return Identity(facts["run_id"], facts["master_replid"])


def next_address(addresses: Sequence[str], failed: str | None) -> str:
    """Choose where to connect: the address after the one that failed last, in a circle.

    Raises NotAcceptingError when there is no address at all.
    """
    if not addresses:
        raise NotAcceptingError("the queue's name has no address")
    ordered = sorted(set(addresses))
    later = [address for address in ordered if failed is None or address > failed]
    return (later or ordered)[0]
