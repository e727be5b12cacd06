"""What people see instead of a page, of this service or of another behind the same edge."""

from __future__ import annotations

from flask import Blueprint, Response, abort, current_app, make_response, render_template
from werkzeug.exceptions import HTTPException

from result.settings import Settings
from result.snapshot import language
from result.words import LANGUAGES, describe

EDGE_CODES = (429, 502, 503, 504)
MAINTENANCE_SECONDS = 30

blueprint = Blueprint("errors", __name__)


@blueprint.get("/maintenance")
def maintenance() -> Response:
    """Show that the services are being worked on."""
    words = LANGUAGES[language()]
    response = make_response(_page(503, words["maintenance_name"], words["maintenance"], edge=True), 503)
    response.headers["Retry-After"] = str(MAINTENANCE_SECONDS)
    return response


@blueprint.get("/errors/<int:code>")
def of_edge(code: int) -> Response:
    """Show the edge's own errors; it keeps the status that it meant to answer."""
    if code not in EDGE_CODES:
        abort(404)
    return make_response(_page(code, *describe(code, "", LANGUAGES[language()]), edge=True))


def show_error(error: HTTPException) -> Response:
    """Show an error in the page's own style."""
    code = error.code or 500
    heading, sentence = describe(code, error.description or "", LANGUAGES[language()])
    response = make_response(_page(code, heading, sentence, edge=False), code)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _page(code: int, heading: str, sentence: str, *, edge: bool) -> str:
    """Return a page that, if it is for the edge, fits under the host of any service."""
    settings: Settings = current_app.extensions["settings"]
    words = LANGUAGES[language()]
    return render_template(
        "error.html",
        language=language(),
        words=words,
        title=settings.title or ("" if edge else words["title"]),
        heading=heading,
        sentence=sentence,
        back=words["try_again" if edge else "back"],
        code=code,
    )
