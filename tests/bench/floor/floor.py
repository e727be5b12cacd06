"""The least that a Flask view can do with a vote: parse its form."""

from flask import Flask, request


def create_app() -> Flask:
    """Return the application that a vote replica is held against."""
    app = Flask(__name__)

    @app.post("/")
    def vote() -> str:
        return request.form["vote"]

    return app
