"""The result page from the source that is mounted, with the one file that only its image has."""

from flask import Flask
from werkzeug.middleware.shared_data import SharedDataMiddleware

import result

VENDOR = "/app/result/static/vendor"


def create_app() -> Flask:
    """Return the application."""
    app = result.create_app()
    added = SharedDataMiddleware(app.wsgi_app, {"/static/vendor": VENDOR}, cache=False)
    app.wsgi_app = added  # type: ignore[method-assign]
    return app
