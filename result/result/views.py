"""The page on which people watch the result."""

from __future__ import annotations

import socket
from datetime import UTC, datetime

from flask import Blueprint, Response, current_app, make_response, render_template

from result.feed import Feed
from result.history import HEIGHT, WIDTH, chart, compact
from result.snapshot import language, present
from result.watching import Watching

blueprint = Blueprint("views", __name__)


@blueprint.get("/")
def show() -> Response:
    """Show the last known result; the page's script keeps it up to date."""
    feed: Feed = current_app.extensions["feed"]
    watching: Watching = current_app.extensions["watching"]
    snapshot, words = present()
    scores = {bar.key: bar.votes for bar in snapshot.bars}
    history = feed.history or compact([], scores)
    html = render_template(
        "result.html",
        language=language(),
        words=words,
        snapshot=snapshot,
        chart=chart(history, scores, snapshot.at.timestamp()),
        size=(WIDTH, HEIGHT),
        has_past=bool(history["at"]),
        closes=datetime.fromtimestamp(snapshot.poll.closes, UTC) if snapshot.poll.closes else None,
        watching=watching.count,
        hostname=socket.gethostname(),
    )
    return make_response(html)


@blueprint.get("/watching")
def count() -> dict[str, object]:
    """Tell another replica how many viewers this one has."""
    watching: Watching = current_app.extensions["watching"]
    return watching.own._asdict()
