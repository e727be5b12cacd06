"""The page that shows the result, and keeps showing it as votes come in."""

from __future__ import annotations

from flask import Flask, Response
from flask_socketio import SocketIO, emit
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from result import health, lifelong, logs, origin, pages
from result import settings as configuration
from result.database import Database
from result.drain import Lifetime
from result.feed import Feed, Source
from result.settings import Settings

LARGEST_BODY_BYTES = 4096
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# A node that loses its power says nothing: a viewer notices, and goes elsewhere, after twice this.
PING_SECONDS = 5


def create_app(settings: Settings | None = None, source: Source | None = None) -> Flask:
    """Return the application; a source of readings given by a test is not polled."""
    logs.configure()
    settings = settings or configuration.load()
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY_BYTES
    app.extensions["options"] = settings.options
    app.extensions["lifetime"] = Lifetime(settings.drain_seconds)
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(health.blueprint)
    app.register_error_handler(HTTPException, pages.show_error)
    app.after_request(_secure)
    sockets = SocketIO(
        app,
        async_mode="gevent",
        max_http_buffer_size=LARGEST_BODY_BYTES,
        cors_allowed_origins=origin.is_ours,
        ping_interval=PING_SECONDS,
        ping_timeout=PING_SECONDS,
    )
    feed = Feed(source or Database(settings), settings.options, sockets.emit)
    app.extensions["feed"] = feed
    _greet(sockets, feed)
    # Exactly one proxy, the edge, stands before us and overwrites these headers.
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    if source is None:
        lifelong.start(feed.run, "feed")
    return app


def _greet(sockets: SocketIO, feed: Feed) -> None:
    """Tell each viewer on arrival what is known."""

    @sockets.on("connect")  # type: ignore[untyped-decorator]
    def _on_connect() -> None:
        if feed.scores is not None:
            emit("scores", feed.scores)
        emit("status", {"state": feed.state.value})


def _secure(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = CONTENT_POLICY
    if response.mimetype == "text/html":
        response.headers["Cache-Control"] = "no-store"
    return response
