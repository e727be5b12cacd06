"""What people see instead of a page, of this service or of the other behind the same edge.

These pages carry their style within them: where the edge shows them, nothing else of the host may be there.
"""

import hashlib
from base64 import b64encode
from pathlib import Path

from flask import Blueprint, Response, abort, render_template, request
from markupsafe import Markup
from werkzeug.exceptions import HTTPException

from .words import LANGUAGES, Words, describe, language_of

# What Traefik answers by itself; see traefik/dynamic.yaml.
EDGE_CODES = (400, 413, 429, 502, 503, 504)
MAINTENANCE_SECONDS = 30
STYLE = Path(__file__).with_name("static").joinpath("page.css").read_text(encoding="utf-8")
CONTENT_POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

blueprint = Blueprint("errors", __name__)


@blueprint.get("/maintenance")
def maintenance() -> Response:
    """Show that what was asked for is being worked on."""
    words = _words()
    response = _page(503, words["maintenance_name"], words["maintenance"])
    response.status_code = 503
    response.headers["Retry-After"] = str(MAINTENANCE_SECONDS)
    return response


@blueprint.get("/errors/<int:code>")
def of_edge(code: int) -> Response:
    """Show the edge's own errors; it keeps the status that it meant to answer."""
    if code not in EDGE_CODES:
        abort(404)
    return _page(code, *describe(code, "", _words()))


def show_error(error: HTTPException) -> Response:
    """Show an error in the page's own style, with what the visitor can do."""
    code = error.code or 500
    response = _page(code, *describe(code, error.description or "", _words()), own=True)
    response.status_code = code
    response.headers.extend((k, v) for k, v in error.get_headers() if k.lower() != "content-type")
    return response


def _words() -> Words:
    return LANGUAGES[language_of(request.environ)]


def _page(code: int, heading: str, sentence: str, *, own: bool = False) -> Response:
    """Return a page; one that is not for an error of our own fits under the host of any service."""
    html = render_template(
        "error.html",
        language=language_of(request.environ),
        words=_words(),
        heading=heading,
        sentence=sentence,
        own=own,
        code=code,
        # Escaped, it would not be what the policy's digest was taken of.
        style=Markup(STYLE),  # noqa: S704
    )
    return Response(html, headers={"Content-Security-Policy": CONTENT_POLICY}, mimetype="text/html")
