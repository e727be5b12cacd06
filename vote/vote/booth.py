"""Takes votes: plain WSGI in front of Flask, whose dispatch would cost as much as all the rest of a vote."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterable, Mapping
from typing import Any

import structlog
from werkzeug.exceptions import (
    BadRequest,
    ClientDisconnected,
    Conflict,
    Forbidden,
    HTTPException,
    ServiceUnavailable,
)

from vote import form, metrics
from vote.admission import Admission
from vote.ballot import Ballot, OnScreen, VersionClock, is_settled, version_of
from vote.cross_site import is_cross_site
from vote.maintenance import STATE as MAINTENANCE
from vote.maintenance import Maintenance
from vote.page import Answer, Page, State, answer_with
from vote.presence import is_waiting
from vote.probe import FIELD, Probe, read_probe
from vote.queue import UNSUPPORTED, NotRecordedError, NotTakenError, Queue
from vote.voter import Voter, VoterCookie, has_cookie
from vote.words import language_of

PROBLEM = "vote.problem"
"""Where Flask finds the exception that it is to show."""
RETRY_AFTER_SECONDS = 5
CLOSED = "closed"
"""The intake of a poll that is over."""
PAUSED = "paused"
SCRIPT = "application/json"
"""What the page's script says it accepts."""
POLL = re.compile(r"[1-9][0-9]{0,8}\Z")
MILLISECONDS = re.compile(r"[0-9]{1,15}\Z")

Environ = dict[str, Any]
Reply = tuple[str, list[tuple[str, str]], bytes]

log = structlog.get_logger()


class Booth:
    """Answers POST / by itself; everything else, and every error, is the application's to answer.

    As in Flask's routing, any number of slashes is one.
    """

    def __init__(  # noqa: PLR0913
        self,
        application: Any,
        page: Page,
        cookie: VoterCookie,
        admission: Admission,
        queue: Queue,
        probe_keys: tuple[str, ...] = (),
    ) -> None:
        self._application = application
        self._page = page
        self._cookie = cookie
        self._admission = admission
        self._queue = queue
        self._probe_keys = probe_keys
        self._versions = VersionClock()

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Serve a request, as PEP 3333 has it."""
        if environ["REQUEST_METHOD"] != "POST" or environ["PATH_INFO"].strip("/"):
            return self._answer_otherwise(environ, start_response)
        try:
            status, headers, body = self._take(environ)
        except Exception as error:  # noqa: BLE001 - told, and logged where it is a mistake of ours, by Flask
            metrics.refused(error)
            return self._answer_otherwise({**environ, "PATH_INFO": "/", PROBLEM: error}, start_response)
        start_response(status, headers)
        return [body]

    def _answer_otherwise(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        answer: Iterable[bytes] = self._application(environ, start_response)
        return answer

    def _take(self, environ: Environ) -> Reply:
        """Take a vote, or raise an HTTPException."""
        arrived = self._versions.next()
        # Asked after the version was given: whoever still waits has not voted again.
        if not is_waiting(environ.get("gunicorn.socket")):
            raise ClientDisconnected
        if is_cross_site(
            environ.get("HTTP_SEC_FETCH_SITE"), environ.get("HTTP_ORIGIN"), environ.get("HTTP_HOST", "")
        ):
            raise Forbidden("other_site")
        fields = form.read(environ)
        # It names no option: a release that knows no test votes refuses it, and counts none.
        if FIELD in fields:
            return self._take_probe(fields[FIELD])
        choice = fields.get("vote", "")
        if choice not in self._page.options:
            raise BadRequest("no_such_option")
        told = _told(fields)
        if not (known := self._cookie.read(environ)):
            _require_cookie(environ, told)
            self._admission.admit(environ)
        poll = self._queue.poll.number
        _require_same(poll, _poll_of(fields))
        voter = known or self._cookie.new(environ)
        if "again" in fields and told and voter.poll == poll and is_settled(voter.seen, told):
            return "200 OK", *self._answer(environ, State(voter.choice), voter.seen)
        ballot = Ballot(voter.id, choice, version_of(arrived, voter.seen, told), poll)
        return self._record(environ, voter, ballot, known)

    def _record(self, environ: Environ, voter: Voter, ballot: Ballot, known: Voter | None) -> Reply:
        """Answer 200 once the vote is safe, 503 if it is not; raise HTTPException while none are taken."""
        choice, began = ballot.choice, time.perf_counter()
        try:
            self._queue.publish(ballot)
        except NotTakenError as error:
            raise _refusal(error.state) from error
        except NotRecordedError:
            request = secrets.token_hex(8)
            log.error("vote not recorded", request=request)
            metrics.not_recorded()
            headers, body = self._answer(environ, State(choice, recorded=False), voter.seen)
            headers += [("Retry-After", str(RETRY_AFTER_SECONDS)), ("X-Request-Id", request)]
            if not known:
                headers += self._cookie.headers(voter, environ)
            return "503 SERVICE UNAVAILABLE", headers, body
        metrics.accepted(time.perf_counter() - began)
        headers, body = self._answer(environ, State(choice), ballot.version)
        headers += self._cookie.headers(Voter(voter.id, ballot.version, choice, ballot.poll), environ)
        return "200 OK", headers, body

    def _take_probe(self, signed: str) -> Reply:
        """Send a test vote the way of a vote, and say what became of it; a stranger's is a BadRequest."""
        identity = read_probe(signed, self._probe_keys)
        if identity is None:
            raise BadRequest("no_such_option")
        outcome = metrics.ACCEPTED
        try:
            self._queue.publish(Probe(identity, self._queue.poll.number))
        except NotTakenError as error:
            outcome = error.state if error.state in (CLOSED, UNSUPPORTED) else PAUSED
        except NotRecordedError:
            log.error("test vote not recorded")
            outcome = metrics.NOT_RECORDED
        status = "200 OK" if outcome == metrics.ACCEPTED else "503 SERVICE UNAVAILABLE"
        return status, *answer_with({"outcome": outcome})

    def _answer(self, environ: Environ, state: State, seen: int) -> Answer:
        if environ.get("HTTP_ACCEPT") == SCRIPT:
            return self._page.note(state, seen)
        return self._page.answer(state, language_of(environ), self._queue.poll, seen)


def _poll_of(fields: Mapping[str, str]) -> str:
    """Return the number of the poll that a page was of; pages of before there were several do not say it."""
    return fields.get("poll", "1" if "served" in fields else "")


def _require_same(poll: int, of_page: str) -> None:
    """Refuse a vote whose page is of another poll: its voter saw another question."""
    if POLL.match(of_page) and int(of_page) != poll:
        if int(of_page) < poll:
            raise Conflict("other_poll")
        # The page is newer than what this process knows.
        raise ServiceUnavailable("intake_paused", retry_after=RETRY_AFTER_SECONDS)


def _require_cookie(environ: Environ, told: OnScreen | None) -> None:
    """Refuse a vote of the page's script without a cookie: each of its attempts would be another voter's.

    Its page had come with one, which is gone.
    """
    if told and not has_cookie(environ):
        raise BadRequest("no_cookie")


def _refusal(state: str) -> HTTPException:
    """Return what a voter is told while no votes are taken; all states but one are for a moment."""
    if state == CLOSED:
        return Forbidden("intake_closed")
    if state == MAINTENANCE:
        return Maintenance("intake_maintenance")
    return ServiceUnavailable("intake_paused", retry_after=RETRY_AFTER_SECONDS)


def _told(fields: Mapping[str, str]) -> OnScreen | None:
    """Return what the page's script says of the vote, None where there is none."""
    served, after = fields.get("served", ""), fields.get("after", "")
    return (
        OnScreen(int(served), int(after))
        if MILLISECONDS.match(served) and MILLISECONDS.match(after)
        else None
    )
