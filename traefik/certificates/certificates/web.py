"""What is asked over HTTP: by authorities and whoever else, and apart from them by Traefik."""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence

from flask import Flask, Response, abort, jsonify, request

from certificates.keeper import Keeper
from certificates.plan.certificate import Certificate
from certificates.state import challenges
from certificates.state.database import DatabaseAwayError
from certificates.state.records import Records

# RFC 8555, section 8.3: base64url, of at least 128 bits. Nothing else is looked up.
TOKEN = re.compile(r"[A-Za-z0-9_-]{16,128}")
CHALLENGE = "/.well-known/acme-challenge/"


def for_strangers(records: Records) -> Flask:
    """Return what the world may ask: the answers to challenges."""
    app = Flask("challenges", static_folder=None)

    @app.get(f"{CHALLENGE}<asked>")
    def challenge(asked: str) -> Response:
        """Answer a challenge from the database, whichever copy put it up."""
        if not TOKEN.fullmatch(asked):
            abort(404)
        try:
            with records.reading() as connection:
                answer = challenges.answer(connection, asked)
        except DatabaseAwayError:
            abort(503)
        if answer is None:
            abort(404)
        return Response(answer, mimetype="application/octet-stream")

    return app


def for_traefik(keeper: Keeper, tokens: Sequence[str]) -> Flask:
    """Return what Traefik asks; no stranger's requests stand before its own."""
    app = Flask("certificates", static_folder=None)
    good = [f"Bearer {token}".encode() for token in tokens]

    @app.get("/traefik")
    def configuration() -> Response:
        """Give the certificates, with their keys, to who knows a token; 503 keeps what Traefik has."""
        given = request.headers.get("Authorization", "").encode()
        if not any(hmac.compare_digest(given, token) for token in good):
            abort(401)
        if not keeper.speaks:
            abort(503)
        return jsonify(shown(keeper.current))

    return app


def shown(certificates: Sequence[Certificate]) -> dict[str, object]:
    """Return certificates as Traefik's HTTP provider takes them; who names no host is shown the first."""
    pairs = [{"certFile": one.chain, "keyFile": one.key} for one in certificates]
    return {"tls": {"certificates": pairs, "stores": {"default": {"defaultCertificate": pairs[0]}}}}
