"""Whether a form was sent from our own page."""

from __future__ import annotations

from urllib.parse import urlsplit


def is_cross_site(fetch_site: str | None, origin: str | None, host: str) -> bool:
    """Judge a request by what the browser says of the page that sent it.

    A client that says nothing is no browser, so no page can be using its cookie.
    """
    if fetch_site is not None and fetch_site.lower() == "cross-site":
        return True
    return origin is not None and _host(origin) != _without_default_port(host)


def _host(origin: str) -> str | None:
    try:
        return _without_default_port(urlsplit(origin).netloc)
    except ValueError:
        return None


def _without_default_port(host: str) -> str:
    return host.lower().removesuffix(":443")
