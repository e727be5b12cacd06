"""What is asked over HTTP: by authorities and whoever else, and apart from them by Traefik."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import NamedTuple
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog

from certificates.keeper import Keeper
from certificates.plan.certificate import Certificate
from certificates.state import challenges
from certificates.state.database import DatabaseAwayError
from certificates.state.records import Records

log = structlog.get_logger()
# RFC 8555, section 8.3: base64url, of at least 128 bits. Nothing else is looked up.
TOKEN = re.compile(r"[A-Za-z0-9_-]{16,128}")
CHALLENGE = "/.well-known/acme-challenge/"


class Answer(NamedTuple):
    """What is said to a request."""

    status: HTTPStatus
    body: bytes = b""
    kind: str = "text/plain"


READING = ("GET", "HEAD")
NOT_FOUND, AWAY = Answer(HTTPStatus.NOT_FOUND), Answer(HTTPStatus.SERVICE_UNAVAILABLE)
REFUSED = Answer(HTTPStatus.METHOD_NOT_ALLOWED)


def for_strangers(records: Records) -> WSGIApplication:
    """Return what the world may ask: the answers to challenges."""

    def challenge(asked: WSGIEnvironment) -> Answer:
        """Answer a challenge from the database, whichever copy put it up."""
        path = asked["PATH_INFO"]
        token = path.removeprefix(CHALLENGE)
        if not path.startswith(CHALLENGE) or not TOKEN.fullmatch(token):
            return NOT_FOUND
        try:
            with records.reading() as connection:
                answer = challenges.answer(connection, token)
        except DatabaseAwayError:
            return AWAY
        if answer is None:
            return NOT_FOUND
        return Answer(HTTPStatus.OK, answer.encode(), "application/octet-stream")

    return _application(challenge)


def for_traefik(keeper: Keeper, tokens: Sequence[str]) -> WSGIApplication:
    """Return what Traefik asks; no stranger's requests stand before its own."""
    good = [f"Bearer {token}".encode() for token in tokens]

    def configuration(asked: WSGIEnvironment) -> Answer:
        """Give the certificates, with their keys, to who knows a token; 503 keeps what Traefik has."""
        if asked["PATH_INFO"] != "/traefik":
            return NOT_FOUND
        given = asked.get("HTTP_AUTHORIZATION", "").encode()
        if not any(hmac.compare_digest(given, token) for token in good):
            return Answer(HTTPStatus.UNAUTHORIZED)
        if not keeper.speaks:
            return AWAY
        return Answer(HTTPStatus.OK, json.dumps(shown(keeper.current)).encode(), "application/json")

    return _application(configuration)


def _application(answer: Callable[[WSGIEnvironment], Answer]) -> WSGIApplication:
    def application(asked: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        method = asked["REQUEST_METHOD"]
        try:
            status, body, kind = answer(asked) if method in READING else REFUSED
        except Exception:
            log.exception("a question was not answered", path=asked["PATH_INFO"])
            status, body, kind = Answer(HTTPStatus.INTERNAL_SERVER_ERROR)
        headers = [("Content-Type", kind), ("Content-Length", str(len(body))), ("Allow", ", ".join(READING))]
        start_response(f"{status.value} {status.phrase}", headers)
        return [] if method == "HEAD" else [body]

    return application


def shown(certificates: Sequence[Certificate]) -> dict[str, object]:
    """Return certificates as Traefik's HTTP provider takes them; who names no host is shown the first."""
    pairs = [{"certFile": one.chain, "keyFile": one.key} for one in certificates]
    return {"tls": {"certificates": pairs, "stores": {"default": {"defaultCertificate": pairs[0]}}}}
