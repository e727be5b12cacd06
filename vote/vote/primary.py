"""Which Redis answered, and whether it may be trusted with a vote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from vote.errors import ServiceError

REPLICAS_TO_CONFIRM = 1
"""Less than that is for one Redis on a developer's machine."""


class Identity(NamedTuple):
    """A primary's reign: the same process that was demoted and came back has another replid."""

    run_id: str
    replid: str


class NotAcceptingError(ServiceError):
    """What answered cannot acknowledge a vote; nothing was promised, another attempt may succeed."""


def identify(info: str, confirmations: int = REPLICAS_TO_CONFIRM) -> Identity:
    """Read the identity from the reply to INFO.

    Raises NotAcceptingError for anything but a primary with replicas for so many confirmations.
    """
    facts = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    if facts.get("role") != "master":
        raise NotAcceptingError(f"role is {facts.get('role')}")
    if int(facts.get("connected_slaves", "0")) < confirmations:
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
