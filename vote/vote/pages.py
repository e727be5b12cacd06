"""The page on which people vote, as long as they only look, and those that tell of an error."""

from __future__ import annotations

from typing import NoReturn

from flask import Blueprint, Response, current_app, render_template, request
from werkzeug.exceptions import HTTPException

from vote.booth import PROBLEM
from vote.page import Page
from vote.voter import VoterCookie

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def show() -> Response:
    """Show what can be voted for, and give a cookie to who has none.

    The one that a browser has says all, and must not undo what a later vote's page noted in it.
    """
    page: Page = current_app.extensions["page"]
    cookie: VoterCookie = current_app.extensions["cookie"]
    headers, body = page.answer(None, recorded=True)
    if not cookie.read(request.environ):
        headers.append(cookie.header(cookie.new(request.environ), request.environ))
    return Response(body, headers=headers)


@blueprint.post("/")
def refuse() -> NoReturn:
    """Show why the booth did not take a vote."""
    raise request.environ[PROBLEM]


def show_error(error: HTTPException) -> Response:
    """Show an error in the page's own style, with what the visitor can do."""
    response = Response(status=error.code, headers=_extra_headers(error), mimetype="text/html")
    response.set_data(
        render_template("error.html", code=error.code, name=error.name, description=error.description)
    )
    return response


def _extra_headers(error: HTTPException) -> list[tuple[str, str]]:
    return [(k, v) for k, v in error.get_headers() if k.lower() != "content-type"]
