"""What a viewer may send: that they join, are still there, change to a WebSocket, and leave."""

from __future__ import annotations

LARGEST_BYTES = 4096
MOST_IN_ONE_BODY = 16
SEPARATOR = "\x1e"
PROBE, PONG, UPGRADE, LEAVE, JOIN = "2probe", "3", "5", "1", "40"
# Engine.IO's own word for the end of a session: whoever leaves the only namespace has left.
LEAVE_NAMESPACE = "41"
# How the prober joins: who watches for the monitoring is nobody's audience.
NOBODY = {"viewer": False}
JOIN_AS_NOBODY = JOIN + '{"viewer":false}'


def understand(packet: str) -> str | None:
    """Return an Engine.IO packet as we take it, or None where no viewer may send it.

    Events, acknowledgements, attachments and other namespaces are nothing that a viewer has business with.
    """
    if packet in {PROBE, PONG, UPGRADE, LEAVE, JOIN, JOIN_AS_NOBODY}:
        return packet
    if packet == LEAVE_NAMESPACE:
        return LEAVE
    # Whoever joins may say who they are; nobody asks, but whether they are a viewer.
    if packet.startswith(JOIN + "{") and packet.endswith("}"):
        return JOIN
    return None


def understand_body(body: bytes) -> bytes | None:
    """Return a polling viewer's packets as we take them, or None where no viewer may send them."""
    packets = body.decode("utf-8", "replace").split(SEPARATOR)
    understood = [understood for packet in packets if (understood := understand(packet)) is not None]
    if len(understood) != len(packets) or len(packets) > MOST_IN_ONE_BODY:
        return None
    # Both are steps of a WebSocket.
    if PROBE in understood or UPGRADE in understood:
        return None
    return SEPARATOR.join(understood).encode()
