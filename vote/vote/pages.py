"""The page on which people vote."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping

import structlog
from flask import Blueprint, Response, current_app, make_response, render_template, request
from werkzeug.exceptions import BadRequest, ClientDisconnected, Forbidden, HTTPException

from vote.ballot import Ballot, OnScreen, VersionClock, version_of, wall_milliseconds
from vote.drain import Lifetime
from vote.origin import is_cross_site
from vote.presence import is_waiting
from vote.queue import NotRecordedError
from vote.settings import Settings
from vote.voter import Voter, VoterCookie

RETRY_AFTER_SECONDS = 5
MILLISECONDS = re.compile(r"[0-9]{1,15}\Z")

blueprint = Blueprint("pages", __name__)
log = structlog.get_logger()


class Booth:
    """What the page needs to take a vote."""

    def __init__(self, settings: Settings, lifetime: Lifetime) -> None:
        self.options = settings.options
        self.cookie = VoterCookie(settings.cookie_key.get_secret_value())
        self.versions = VersionClock()
        self.queue = lifetime.queue


def _booth() -> Booth:
    booth: Booth = current_app.extensions["booth"]
    return booth


def _page(voter: Voter, choice: str | None = None, *, recorded: bool = True) -> Response:
    """Return the page; the cookie only when it says something new, lest a late page undo a later vote's."""
    booth = _booth()
    html = render_template(
        "vote.html",
        options=booth.options,
        choice=choice,
        recorded=recorded,
        hostname=socket.gethostname(),
        served=wall_milliseconds(),
    )
    response = make_response(html, 200 if recorded else 503)
    if voter != booth.cookie.read(request):
        booth.cookie.write(response, voter, secure=request.is_secure)
    return response


@blueprint.get("/")
def show() -> Response:
    """Show what can be voted for."""
    return _page(_booth().cookie.read_or_new(request))


@blueprint.post("/")
def vote() -> Response:
    """Take a vote: 200 means that it is safe, 503 that it was not recorded."""
    booth = _booth()
    arrived = booth.versions.next()
    # Asked after the version was given: whoever still waits has not voted again.
    if not is_waiting(request.environ.get("gunicorn.socket")):
        raise ClientDisconnected
    if is_cross_site(request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin"), request.host):
        raise Forbidden("This vote was sent from another site's page.")
    choice = request.form.get("vote", "")
    if choice not in booth.options:
        raise BadRequest("There is no such option to vote for.")
    voter = booth.cookie.read_or_new(request)
    version = version_of(arrived, voter.seen, _told(request.form))
    try:
        booth.queue.publish(Ballot(voter.id, choice, version))
    except NotRecordedError:
        log.error("vote not recorded")
        response = _page(voter, choice, recorded=False)
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response
    return _page(voter._replace(seen=version), choice)


def _told(form: Mapping[str, str]) -> OnScreen | None:
    """Return what the page's script says of the vote, None where there is none."""
    served, after = form.get("served", ""), form.get("after", "")
    return (
        OnScreen(int(served), int(after))
        if MILLISECONDS.match(served) and MILLISECONDS.match(after)
        else None
    )


def show_error(error: HTTPException) -> Response:
    """Show an error in the page's own style, with what the visitor can do."""
    response = Response(status=error.code, headers=_extra_headers(error), mimetype="text/html")
    response.set_data(
        render_template("error.html", code=error.code, name=error.name, description=error.description)
    )
    return response


def _extra_headers(error: HTTPException) -> list[tuple[str, str]]:
    return [(k, v) for k, v in error.get_headers() if k.lower() != "content-type"]
