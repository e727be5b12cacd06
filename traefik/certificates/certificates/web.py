"""What is asked over HTTP: by authorities and whoever else, by Traefik, and by the health check."""

from __future__ import annotations

import hmac
import re

from flask import Flask, Response, abort, jsonify, request

from certificates.keeper import Keeper
from certificates.plan.certificate import Certificate
from certificates.state import challenges
from certificates.state.database import DatabaseAwayError
from certificates.state.records import Records

# RFC 8555, section 8.3: base64url, of at least 128 bits. Nothing else is looked up.
TOKEN = re.compile(r"[A-Za-z0-9_-]{16,128}")
CHALLENGE = "/.well-known/acme-challenge/"


def create_app(keeper: Keeper, records: Records, token: str) -> Flask:
    """Return the pages."""
    app = Flask("certificates", static_folder=None)

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

    @app.get("/traefik")
    def configuration() -> Response:
        """Give Traefik its certificate, with the key: only to who knows the token."""
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            abort(401)
        return jsonify(shown(keeper.current))

    @app.get("/healthz")
    def healthz() -> str:
        """Say that this process answers: it has something to show from its start on."""
        return "ok\n"

    return app


def shown(one: Certificate) -> dict[str, object]:
    """Return a certificate as Traefik's HTTP provider takes it; without a fitting name, too, it is shown."""
    pair = {"certFile": one.chain, "keyFile": one.key}
    return {"tls": {"certificates": [pair], "stores": {"default": {"defaultCertificate": pair}}}}
