"""The page on which people vote, as long as they only look.

A vote, POST /, is not taken here: `booth` answers it in front of Flask, whose dispatch would cost as much as
all the rest of a vote. So a vote costs about what a Flask view costs that only parses its form: see `voting`
in docs/speed.md. What the booth refuses comes here, to be shown with the reason.
"""

from __future__ import annotations

from typing import NoReturn

from flask import Blueprint, Response, current_app, request

from vote.admission import Admission
from vote.booth import PROBLEM
from vote.maintenance import Maintenance
from vote.page import Page, State
from vote.queue import Queue
from vote.voter import VoterCookie
from vote.words import language_of

blueprint = Blueprint("views", __name__)


@blueprint.get("/")
def show() -> Response:
    """Show what can be voted for and what this voter chose, and give a cookie to who has none.

    The one that a browser has says all, and must not undo what a later vote's page noted in it.
    """
    page: Page = current_app.extensions["page"]
    cookie: VoterCookie = current_app.extensions["cookie"]
    admission: Admission = current_app.extensions["admission"]
    queue: Queue = current_app.extensions["lifetime"].queue
    if queue.maintained:
        raise Maintenance("maintenance")
    if not (known := cookie.read(request.environ)):
        admission.admit(request.environ)
    poll = queue.poll
    choice = known.choice if known and known.poll == poll.number else ""
    headers, body = page.answer(State(choice), language_of(request.environ), poll, known.seen if known else 0)
    if not known:
        headers += cookie.headers(cookie.new(request.environ), request.environ)
    return Response(body, headers=headers)


@blueprint.post("/")
def refuse() -> NoReturn:
    """Show why the booth did not take a vote."""
    raise request.environ[PROBLEM]
