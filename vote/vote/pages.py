"""The page on which people vote, as long as they only look, and those that tell of an error."""

from __future__ import annotations

from typing import NoReturn

from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import HTTPException

from vote.apology import Apology
from vote.booth import PROBLEM
from vote.page import Page, State
from vote.voter import Voter, VoterCookie
from vote.words import best_language

RETRY_AFTER_SECONDS = 30

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def show() -> Response:
    """Show what can be voted for and what this voter chose, and give a cookie to who has none.

    The one that a browser has says all, and must not undo what a later vote's page noted in it.
    """
    page: Page = current_app.extensions["page"]
    cookie: VoterCookie = current_app.extensions["cookie"]
    known = cookie.read(request.environ)
    headers, body = page.answer(State((known or Voter("")).choice), _language())
    if not known:
        headers.append(cookie.header(cookie.new(request.environ), request.environ))
    return Response(body, headers=headers)


@blueprint.post("/")
def refuse() -> NoReturn:
    """Show why the booth did not take a vote."""
    raise request.environ[PROBLEM]


@blueprint.get("/errors/<int:code>")
def explain(code: int) -> Response:
    """Show what the edge answers for the other page when that is not there."""
    return _apology().of(code, "", _language())


@blueprint.get("/maintenance")
def maintain() -> Response:
    """Show what the edge answers for the other page while it runs nowhere."""
    answer = _apology().maintenance(_language())
    answer.status_code = 503
    answer.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return answer


def show_error(error: HTTPException) -> Response:
    """Show an error in the page's own style, with what the visitor can do."""
    answer = _apology().of(error.code or 500, error.description or "", _language())
    answer.status_code = error.code or 500
    answer.headers.extend((k, v) for k, v in error.get_headers() if k.lower() != "content-type")
    return answer


def _language() -> str:
    return best_language(request.headers.get("Accept-Language", ""))


def _apology() -> Apology:
    apology: Apology = current_app.extensions["apology"]
    return apology
