"""What people see instead of a page, of this service or of the other behind the same edge.

These pages carry their style within them: where the edge shows them, nothing else of the host may be there.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from importlib.resources import files

from flask import Blueprint, Response, abort, render_template, request
from markupsafe import Markup
from werkzeug.exceptions import HTTPException

from vote.words import LANGUAGES, Words, describe, language_of

# What Traefik answers by itself; see traefik/dynamic.yaml.
EDGE_CODES = (400, 413, 429, 502, 503, 504)
MAINTENANCE_SECONDS = 30
STYLE = (files("vote") / "static" / "page.css").read_text(encoding="utf-8")
CONTENT_POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

blueprint = Blueprint("errors", __name__)


@blueprint.get("/maintenance")
def maintenance() -> Response:
    """Show that a page is being worked on."""
    words = _words()
    response = _page(503, words["maintenance_name"], words["maintenance"], words["try_again"])
    response.status_code = 503
    response.headers["Retry-After"] = str(MAINTENANCE_SECONDS)
    return response


@blueprint.get("/errors/<int:code>")
def of_edge(code: int) -> Response:
    """Show the edge's own errors; it keeps the status that it meant to answer."""
    if code not in EDGE_CODES:
        abort(404)
    words = _words()
    return _page(code, *describe(code, "", words), words["try_again"])


def show_error(error: HTTPException) -> Response:
    """Show an error in the page's own style, with what the visitor can do."""
    code = error.code or 500
    words = _words()
    response = _page(code, *describe(code, error.description or "", words), words["back"], own=True)
    response.status_code = code
    response.headers.extend((k, v) for k, v in error.get_headers() if k.lower() != "content-type")
    return response


def _words() -> Words:
    return LANGUAGES[language_of(request.environ)]


def _page(code: int, name: str, sentence: str, back: str, *, own: bool = False) -> Response:
    """Return a page; only of our own do we know that nothing was recorded."""
    html = render_template(
        "error.html",
        language=language_of(request.environ),
        words=_words(),
        name=name,
        sentence=sentence,
        back=back,
        own=own,
        code=code,
        # Escaped, it would not be what the policy's digest was taken of.
        style=Markup(STYLE),  # noqa: S704
    )
    return Response(html, headers={"Content-Security-Policy": CONTENT_POLICY}, mimetype="text/html")
