"""The page people vote on: a vote it acknowledges is safe in the queue."""

from __future__ import annotations

from flask import Flask, Response
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from vote import error_pages, exporter, form, health, logs, views
from vote import settings as configuration
from vote.admission import Admission
from vote.booth import Booth
from vote.drain import Lifetime
from vote.page import CONTENT_POLICY, Page
from vote.prefix import prefixed
from vote.queue import Queue
from vote.settings import Settings
from vote.voter import VoterCookie
from vote.writer import Writer


def create_app(settings: Settings | None = None, queue: Queue | None = None) -> Flask:
    """Return the application; without arguments, the real one on the real queue."""
    logs.configure()
    settings = settings or configuration.load()
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = form.LARGEST_BYTES
    lifetime = Lifetime(queue or _started_writer(settings), settings.drain_seconds)
    page = Page(app, settings)
    cookie = VoterCookie(*settings.cookie_keys)
    admission = Admission(settings.new_voters, settings.trusted_proxies)
    app.extensions.update(lifetime=lifetime, page=page, cookie=cookie, admission=admission)
    app.extensions["missing"] = lambda: "" if lifetime.queue.ready() else "the queue does not accept votes"
    app.register_blueprint(views.blueprint)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(error_pages.blueprint)
    app.register_error_handler(HTTPException, error_pages.show_error)
    app.after_request(_secure)
    # Redirects lead back through the edge: exactly one proxy, which overwrites these headers.
    redirecting = ProxyFix(prefixed(app.wsgi_app), x_for=0, x_proto=1)
    booth = Booth(redirecting, page, cookie, admission, lifetime.queue, settings.probe_keys)
    app.wsgi_app = booth  # type: ignore[method-assign]
    return app


def _started_writer(settings: Settings) -> Writer:
    writer = Writer(settings)
    writer.start()
    exporter.start(settings.metrics_port)
    return writer


def _secure(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
    if response.mimetype == "text/html":
        response.headers["Cache-Control"] = "no-store"
    return response
