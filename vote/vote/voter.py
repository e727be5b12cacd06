"""The voter's identity and last acknowledged vote, in a signed cookie that nobody else can make."""

from __future__ import annotations

import hashlib
import secrets
from typing import NamedTuple

from flask import Request, Response
from itsdangerous import BadSignature, Signer

COOKIE = "voter_id"
YEAR_SECONDS = 365 * 24 * 3600
SEPARATOR = "."


class Voter(NamedTuple):
    """A voter's id, and the version of the last vote that the voter was told is recorded (0: none)."""

    id: str
    seen: int = 0

    @classmethod
    def new(cls) -> Voter:
        """Return a voter nobody has met."""
        return cls(secrets.token_hex(16))


class VoterCookie:
    """Reads and writes voters' cookies: `ID.SIGNATURE` or `ID.SEEN.SIGNATURE`."""

    def __init__(self, key: str) -> None:
        self._signer = Signer(key, salt="voter", digest_method=hashlib.sha256)

    def read(self, request: Request) -> Voter | None:
        """Return the voter, or None when there is no cookie or a forged one."""
        try:
            text = self._signer.unsign(request.cookies.get(COOKIE, "")).decode()
        except BadSignature:
            return None
        identity, _, seen = text.partition(SEPARATOR)
        return Voter(identity, int(seen or 0))

    def read_or_new(self, request: Request) -> Voter:
        """Return the voter, a new one when the cookie does not tell.

        A cookie that is not ours always means the same new voter: the edge may send its request twice.
        """
        if voter := self.read(request):
            return voter
        given = request.cookies.get(COOKIE, "")
        return Voter(self._signer.get_signature(given).hex()[:32]) if given else Voter.new()

    def write(self, response: Response, voter: Voter, *, secure: bool) -> None:
        """Set the cookie for a year from now."""
        text = f"{voter.id}{SEPARATOR}{voter.seen}" if voter.seen else voter.id
        response.set_cookie(
            COOKIE,
            self._signer.sign(text).decode(),
            max_age=YEAR_SECONDS,
            path="/",
            httponly=True,
            samesite="Lax",
            secure=secure,
        )
