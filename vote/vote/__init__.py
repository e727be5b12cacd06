"""The page people vote on: a vote it acknowledges is safe in the queue."""

from __future__ import annotations

from flask import Flask, Response
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from vote import health, logs, pages
from vote import settings as configuration
from vote.drain import Lifetime, Queue
from vote.queue import VoteQueue
from vote.settings import Settings

LARGEST_BODY_BYTES = 4096
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def create_app(settings: Settings | None = None, queue: Queue | None = None) -> Flask:
    """Return the application; without arguments, the real one on the real queue."""
    logs.configure()
    settings = settings or configuration.load()
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY_BYTES
    lifetime = Lifetime(queue or _started_queue(settings), settings.drain_seconds)
    app.extensions["lifetime"] = lifetime
    app.extensions["booth"] = pages.Booth(settings, lifetime)
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(health.blueprint)
    app.register_error_handler(HTTPException, pages.show_error)
    app.after_request(_secure)
    # Exactly one proxy, the edge, stands before us and overwrites these headers.
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    return app


def _started_queue(settings: Settings) -> VoteQueue:
    queue = VoteQueue(settings)
    queue.start()
    return queue


def _secure(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = CONTENT_POLICY
    if response.mimetype == "text/html":
        response.headers["Cache-Control"] = "no-store"
    return response
