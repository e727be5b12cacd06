"""A primary hands over: it stops, and names the standby that is to be elected in its place."""

from collections.abc import Collection

import structlog

from postgres_ha.election import BUSY_SECONDS, ElectionError
from postgres_ha.node import Node
from postgres_ha.state import NodeState

log = structlog.get_logger()

# A standby replays so much in a second or two; while it does, nothing is stored.
FAR_BEHIND_BYTES = 16 * 1024**2
# What the checkpoint writes now, the stop need not write while nobody can commit.
_CHECKPOINT = ("SET statement_timeout = '45s'", "CHECKPOINT")


def refusal(me: NodeState, peers: Collection[str], heir: str) -> str | None:
    """Return why a node does not hand over to another, or None.

    Every peer must stream: the next primary then has a standby at once, and may lose one.
    """
    if not me.open:
        return f"{me.node} is not the primary"
    if heir not in peers:
        return f"{heir} is no standby of {me.node}"
    absent = [name for name in peers if name not in me.standbys]
    if absent:
        return f"{', '.join(absent)} does not stream from {me.node}"
    lag = me.lag_bytes.get(heir)
    if lag is None or lag > FAR_BEHIND_BYTES:
        return f"{heir} is {'an unknown number of' if lag is None else lag} bytes behind {me.node}"
    return None


def hand_over(node: Node, heir: str) -> None:
    """Stop the server, which sends all that it has to the standbys, and let them elect the heir.

    The gate then starts it again, as a standby. Raise ElectionError, before anything is changed, where that
    would cost more than a moment, and psycopg.Error if the server does not write what it must before.
    """
    _require(node, heir)
    node.database.execute(*_CHECKPOINT)
    if not node.changing.acquire(timeout=BUSY_SECONDS):
        raise ElectionError(f"{node.settings.node} is busy: {node.phase}")
    try:
        _require(node, heir)  # a standby may have gone meanwhile
        node.phase = f"handing over to {heir}"
        log.info("handing over", heir=heir)
        node.repmgr.stop()
        node.server.stop()
        node.observe()
        node.invite(node.settings.node, heir)
        node.say_farewell(heir)
    finally:
        node.changing.release()


def _require(node: Node, heir: str) -> None:
    if reason := refusal(node.observe(), node.settings.peers, heir):
        raise ElectionError(reason)
