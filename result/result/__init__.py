"""The page that shows the result, and keeps showing it as votes come in."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

from flask import Flask, Response, request
from flask_socketio import SocketIO, emit
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from result import allowed_origin, error_pages, exporter, exports, health, lifelong, logs, places, views
from result import settings as configuration
from result.attention import Attention
from result.channel import Channel
from result.database import Database
from result.drain import Lifetime
from result.entrance import Entrance, heed_the_present
from result.feed import Feed, Source
from result.metrics import Figures
from result.numerals import count_of, percent_of
from result.packets import LARGEST_BYTES, NOBODY
from result.prefix import prefixed
from result.settings import Settings
from result.watching import Watching, ask_peers

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
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BYTES
    app.extensions["settings"] = settings
    app.jinja_env.globals["given_title"] = settings.title
    app.extensions["lifetime"] = Lifetime(settings.drain_seconds)
    _add_pages(app)
    sockets = _make_sockets(app)
    feed = Feed(source or Database(settings), settings.options, sockets.emit)
    app.extensions["feed"] = feed
    attention = Attention(lambda: bool(sockets.server.eio.sockets))
    app.extensions["attention"] = attention
    app.extensions["missing"] = lambda: "" if feed.reachable else "the database does not answer"
    watching = Watching(partial(ask_peers, settings.peers_host, settings.port), sockets.emit)
    app.extensions["watching"] = watching
    _greet(sockets, feed, watching, attention)
    # Exactly one proxy, the edge, stands before us and overwrites these headers.
    seen = ProxyFix(prefixed(app.wsgi_app), x_for=1, x_proto=1, x_host=1)
    app.wsgi_app = seen  # type: ignore[method-assign]
    if source is None:
        lifelong.start(partial(feed.run, attention.rest), "feed")
        lifelong.start(watching.run, "watching")
        exporter.start(settings.metrics_port, Figures(feed, watching))
    return app


def _add_pages(app: Flask) -> None:
    for part in (views, exports, error_pages, health):
        app.register_blueprint(part.blueprint)
    app.register_error_handler(HTTPException, error_pages.show_error)
    app.jinja_env.filters |= {"number": count_of, "share": percent_of}
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.after_request(_secure)


def _make_sockets(app: Flask) -> SocketIO:
    sockets = SocketIO(
        app,
        async_mode="gevent",
        max_http_buffer_size=LARGEST_BYTES,
        http_compression=False,
        cors_allowed_origins=allowed_origin.is_allowed,
        ping_interval=PING_SECONDS,
        ping_timeout=PING_SECONDS,
        manage_session=False,
    )
    engine = sockets.server.eio
    # There is no option for it.
    engine._async = {**engine._async, "websocket": Channel}
    heed_the_present(engine)
    app.wsgi_app = Entrance(app.wsgi_app, engine, places.available())  # type: ignore[method-assign]
    return sockets


def _greet(sockets: SocketIO, feed: Feed, watching: Watching, attention: Attention) -> None:
    """Tell each viewer on arrival what is known, and count them until they leave."""

    @sockets.on("connect")  # type: ignore[untyped-decorator]
    def _on_connect(joined_as: object = None) -> None:
        if joined_as != NOBODY:
            watching.arrive(cast(Any, request).sid)
        attention.come()
        if feed.scores is not None:
            emit("scores", feed.scores)
        if feed.history is not None:
            emit("history", feed.history)
        if feed.probes:
            emit("probe", {"newest": feed.probes})
        emit("watching", {"count": watching.count})
        emit("poll", feed.poll.told())
        emit("status", {"state": feed.state.value})

    @sockets.on("disconnect")  # type: ignore[untyped-decorator]
    def _on_disconnect(_reason: str) -> None:
        watching.leave(cast(Any, request).sid)


def _secure(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
    if response.mimetype == "text/html":
        response.headers["Cache-Control"] = "no-store"
    return response
