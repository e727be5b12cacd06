"""Answers to whoever asks how this process is."""

from __future__ import annotations

from flask import Blueprint, Response, current_app

from result.drain import Lifetime
from result.feed import Feed

blueprint = Blueprint("health", __name__)


def _answer(well: bool, otherwise: str) -> Response:
    return Response("ok\n" if well else f"{otherwise}\n", 200 if well else 503, mimetype="text/plain")


def _lifetime() -> Lifetime:
    lifetime: Lifetime = current_app.extensions["lifetime"]
    return lifetime


@blueprint.get("/healthz")
def alive() -> Response:
    """Say that this process serves and means to go on serving."""
    return _answer(not _lifetime().draining, "draining")


@blueprint.get("/readyz")
def ready() -> Response:
    """Say that the database answers."""
    feed: Feed = current_app.extensions["feed"]
    if _lifetime().draining:
        return _answer(False, "draining")
    return _answer(feed.reachable, "the database does not answer")
