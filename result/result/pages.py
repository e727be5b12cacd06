"""The page on which people watch the result."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from flask import Blueprint, Response, current_app, make_response, render_template
from werkzeug.exceptions import HTTPException

from result.feed import Feed
from result.scores import bars, complete

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def show() -> Response:
    """Show the last known result; the page's script keeps it up to date."""
    feed: Feed = current_app.extensions["feed"]
    options: Mapping[str, str] = current_app.extensions["options"]
    scores = complete(feed.scores or {}, options)
    return make_response(
        render_template(
            "result.html",
            bars=bars(scores, options),
            total=sum(scores.values()),
            state=feed.state.value,
            hostname=socket.gethostname(),
        )
    )


def show_error(error: HTTPException) -> Response:
    """Show an error in the page's own style."""
    html = render_template("error.html", name=error.name, description=error.description)
    return make_response(html, error.code or 500)
