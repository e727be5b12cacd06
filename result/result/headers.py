"""What is taken of a request before anything else looks at it."""

from __future__ import annotations

from typing import Any

# A WebSocket's request stays for as long as its viewer; browsers send up to 16 kB of headers, cookies mostly.
HEARD = frozenset({
    "HOST", "ORIGIN", "CONNECTION", "UPGRADE", "SEC-WEBSOCKET-KEY", "SEC-WEBSOCKET-VERSION",
    "CONTENT-LENGTH", "CONTENT-TYPE", "TRANSFER-ENCODING", "EXPECT",
    "ACCEPT", "ACCEPT-LANGUAGE", "IF-NONE-MATCH", "IF-MODIFIED-SINCE", "IF-RANGE", "RANGE",
    "X-FORWARDED-FOR", "X-FORWARDED-PROTO", "X-FORWARDED-HOST", "X-FORWARDED-PREFIX",
})  # fmt: skip
LONGEST_HEADER = 512


def reduce(request: Any) -> None:
    """Drop the headers that nobody reads, and end the connection with a request that has a body.

    What is not read of a body would otherwise be waited for before the next request.
    """
    request.headers = [(n, v) for n, v in request.headers if n in HEARD and len(v) <= LONGEST_HEADER]
    if any(name in {"CONTENT-LENGTH", "TRANSFER-ENCODING"} for name, _ in request.headers):
        request.force_close()
