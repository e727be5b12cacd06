"""Answers to whoever asks how this process is."""

from collections.abc import Callable

from flask import Blueprint, Response, current_app

from .drain import Lifetime

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def alive() -> Response:
    """Say that this process serves and means to go on serving."""
    return _answer(_end())


@blueprint.get("/readyz")
def ready() -> Response:
    """Say that this process has what it needs to serve."""
    missing: Callable[[], str] = current_app.extensions["missing"]
    return _answer(_end() or missing())


def _end() -> str:
    lifetime: Lifetime = current_app.extensions["lifetime"]
    return "draining" if lifetime.draining else ""


def _answer(complaint: str) -> Response:
    return Response(f"{complaint or 'ok'}\n", 503 if complaint else 200, mimetype="text/plain")
