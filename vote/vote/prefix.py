"""The path that visitors have in front of ours, where proxies took it off a request's address."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# No part is a dot or two: browsers take those away.
PATH = re.compile(r"(?:/(?!\.\.?(?:/|\Z))[A-Za-z0-9._~-]+)*/?")
LONGEST = 200


def prefix_of(environ: Mapping[str, Any]) -> str:
    """Return the prefix of a request's address, without a slash at its end; the empty string without one.

    The edge drops what its client says in X-Forwarded-Prefix. It keeps what a proxy says that is trusted, and
    adds what it takes off itself: the outermost stands first. If any of it is no path, all of it is ignored:
    a cookie for a wrong path never comes back, one for / always does.
    """
    return _joined(environ.get("HTTP_X_FORWARDED_PREFIX", ""))


@lru_cache(maxsize=64)
def _joined(told: str) -> str:
    parts = [part.strip(" ") for part in told.split(",")]
    if len(told) > LONGEST or not all(PATH.fullmatch(part) for part in parts):
        return ""
    return "".join(part.rstrip("/") for part in parts)


def prefixed(application: WSGIApplication) -> WSGIApplication:
    """Return an application whose own addresses, such as those of its redirects, begin with the prefix."""

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["SCRIPT_NAME"] = prefix_of(environ)
        return application(environ, start_response)

    return serve
