"""What people see instead of a page, of this service or of the other behind the same edge.

These pages carry their style within them: where the edge shows them, nothing else of the host may be there.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from importlib.resources import files

from flask import Blueprint, Response, abort, current_app, render_template
from markupsafe import Markup
from werkzeug.exceptions import HTTPException

from result.settings import Settings
from result.snapshot import language
from result.words import LANGUAGES, describe

# What Traefik answers by itself; see traefik/dynamic.yaml.
EDGE_CODES = (400, 413, 429, 502, 503, 504)
MAINTENANCE_SECONDS = 30
STYLE = (files("result") / "static" / "page.css").read_text(encoding="utf-8")
CONTENT_POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

blueprint = Blueprint("errors", __name__)


@blueprint.get("/maintenance")
def maintenance() -> Response:
    """Show that the services are being worked on."""
    words = LANGUAGES[language()]
    response = _page(503, words["maintenance_name"], words["maintenance"], edge=True)
    response.status_code = 503
    response.headers["Retry-After"] = str(MAINTENANCE_SECONDS)
    return response


@blueprint.get("/errors/<int:code>")
def of_edge(code: int) -> Response:
    """Show the edge's own errors; it keeps the status that it meant to answer."""
    if code not in EDGE_CODES:
        abort(404)
    return _page(code, *describe(code, "", LANGUAGES[language()]), edge=True)


def show_error(error: HTTPException) -> Response:
    """Show an error in the page's own style."""
    code = error.code or 500
    heading, sentence = describe(code, error.description or "", LANGUAGES[language()])
    response = _page(code, heading, sentence, edge=False)
    response.status_code = code
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _page(code: int, heading: str, sentence: str, *, edge: bool) -> Response:
    """Return a page that, if it is for the edge, fits under the host of any service."""
    settings: Settings = current_app.extensions["settings"]
    words = LANGUAGES[language()]
    html = render_template(
        "error.html",
        language=language(),
        words=words,
        title=settings.title or ("" if edge else words["title"]),
        heading=heading,
        sentence=sentence,
        back=words["try_again" if edge else "back"],
        code=code,
        # Escaped, it would not be what the policy's digest was taken of.
        style=Markup(STYLE),  # noqa: S704
    )
    return Response(html, headers={"Content-Security-Policy": CONTENT_POLICY}, mimetype="text/html")
