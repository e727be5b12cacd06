"""How a name is shown to be ours: by a page on port 80, or by a record in DNS."""

from __future__ import annotations

import secrets
from typing import Protocol

from acme import challenges, messages
from josepy.jwk import JWK

from certificates.authority.authority import Publish
from certificates.outside import reach
from certificates.outside.hook import Hook, wait_for_text
from certificates.outside.names import Resolver
from certificates.plan.findings import Findings

TOKEN_BYTES = 32


class Proof(Protocol):
    """One kind of challenge."""

    kind: str

    def look(self, names: tuple[str, ...], publish: Publish) -> Findings:
        """Say what would make the challenge fail."""

    def put_up(self, name: str, challenge: messages.ChallengeBody, key: JWK, publish: Publish) -> None:
        """Make what the server will look for."""

    def take_down(self, name: str, challenge: messages.ChallengeBody, key: JWK) -> None:
        """Take it back."""


class Http01:
    """By a page on port 80: every copy answers, whichever edge the server comes by."""

    kind = challenges.HTTP01.typ

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def look(self, names: tuple[str, ...], publish: Publish) -> Findings:
        """Fetch a token of our own through every address of every name, as the server will."""
        token, answer = secrets.token_urlsafe(TOKEN_BYTES), secrets.token_urlsafe(TOKEN_BYTES)
        publish(token, answer)
        return reach.look(self._resolver, names, token, answer)

    def put_up(self, name: str, challenge: messages.ChallengeBody, key: JWK, publish: Publish) -> None:  # noqa: ARG002
        """Let every copy answer."""
        publish(challenge.chall.encode("token"), challenge.chall.validation(key))

    def take_down(self, name: str, challenge: messages.ChallengeBody, key: JWK) -> None:
        """Leave it: an order's answers go with it."""


class Dns01:
    """By a record in DNS: the operator's hook makes the record."""

    kind = challenges.DNS01.typ

    def __init__(self, hook: Hook, resolver: Resolver) -> None:
        self._hook = hook
        self._resolver = resolver

    def look(self, names: tuple[str, ...], publish: Publish) -> Findings:  # noqa: ARG002
        """Find nothing: nobody needs to reach us."""
        return Findings()

    def put_up(self, name: str, challenge: messages.ChallengeBody, key: JWK, publish: Publish) -> None:  # noqa: ARG002
        """Make the record, and wait until it is seen."""
        record, value = challenge.chall.validation_domain_name(name), challenge.chall.validation(key)
        self._hook.present(record, value)
        wait_for_text(self._resolver, record, value)

    def take_down(self, name: str, challenge: messages.ChallengeBody, key: JWK) -> None:
        """Remove the record."""
        self._hook.cleanup(challenge.chall.validation_domain_name(name), challenge.chall.validation(key))
