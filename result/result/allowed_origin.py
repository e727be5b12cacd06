"""Which pages may listen: our own, and clients that are no pages at all."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit


def is_allowed(origin: str | None, environ: Mapping[str, str]) -> bool:
    """Say whether a page of `origin` was served by the host that the request names.

    Only hosts are compared: the edge announces a WebSocket's scheme as `wss`, a page's as `https`.
    """
    try:
        return origin is None or urlsplit(origin).netloc == environ.get("HTTP_HOST")
    except ValueError:
        return False
