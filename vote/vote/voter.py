"""The voter's identity: a random number in a signed cookie that nobody else can make."""

from __future__ import annotations

import hashlib
import secrets

from flask import Request, Response
from itsdangerous import BadSignature, Signer

COOKIE = "voter_id"
YEAR_SECONDS = 365 * 24 * 3600


class VoterCookie:
    """Reads, makes and replaces voters' cookies."""

    def __init__(self, key: str) -> None:
        self._signer = Signer(key, salt="voter", digest_method=hashlib.sha256)

    def read(self, request: Request) -> str | None:
        """Return the voter's id, or None when there is no cookie or a forged one."""
        try:
            return self._signer.unsign(request.cookies.get(COOKIE, "")).decode()
        except BadSignature:
            return None

    def read_or_new(self, request: Request) -> str:
        """Return the voter's id, a new one when the cookie does not tell."""
        return self.read(request) or secrets.token_hex(16)

    def write(self, response: Response, voter: str, *, secure: bool) -> None:
        """Set the cookie for a year from now."""
        response.set_cookie(
            COOKIE,
            self._signer.sign(voter).decode(),
            max_age=YEAR_SECONDS,
            path="/",
            httponly=True,
            samesite="Lax",
            secure=secure,
        )
