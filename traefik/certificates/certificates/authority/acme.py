"""Certificates from an ACME server (RFC 8555), by Certbot's client library."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.client import NOT_FOUND
from pathlib import Path

import acme.errors
from acme import messages
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from josepy.json_util import field

from certificates.authority import keys
from certificates.authority.authority import Advice, ForgottenError, InvalidError, Publish, RefusedError
from certificates.authority.proof import Proof
from certificates.authority.server import Server
from certificates.authority.session import Session
from certificates.outside.names import NamesError, Resolver
from certificates.plan import caa, limits
from certificates.plan.certificate import Certificate
from certificates.plan.findings import Findings
from certificates.state.orders import Order
from certificates.state.records import Records

NO_ADVICE = timedelta(hours=6)
# RFC 9773, section 4.3.2: an answer is good for a day at most, and nobody needs it more than once a minute.
ADVICE_SECONDS = (60, 86400)


class NewOrder(messages.NewOrder):
    """An order that says which certificate it replaces (RFC 9773, section 5)."""

    replaces: str | None = field("replaces", omitempty=True)


class AcmeAuthority:
    """One ACME server; `name` changes with what is trusted of it: a server made anew is another one."""

    def __init__(self, server: Server, proof: Proof, resolver: Resolver, records: Records) -> None:
        self._server = server
        self._proof = proof
        self._resolver = resolver
        self.name = server.directory
        if server.ca_file:
            self.name += f"#{hashlib.sha256(Path(server.ca_file).read_bytes()).hexdigest()[:12]}"
        self.limits = limits.of(server.directory)
        self._session = Session(server, self.name, records)

    def look(self, names: tuple[str, ...], publish: Publish) -> Findings:
        """Ask DNS whether the server may issue, and fetch a test token through every address."""
        forbidden, unknown = self._ask_caa(names)
        if forbidden:
            return Findings(tuple(forbidden))
        found = self._proof.look(names, publish)
        return Findings(found.wrong, (*found.doubtful, *unknown))

    def place(self, order: Order) -> tuple[str, str | None]:
        """Make an order; without `replaces` where the server does not take it, whatever its reason."""
        with self._session.asking():
            self._require_profile()
            replaces = order.replaces if "renewalInfo" in self._session.directory.to_partial_json() else None
            try:
                return self._new_order(order.names, replaces), replaces
            except (acme.errors.ConflictError, messages.Error) as error:
                if replaces is None or getattr(error, "code", "") == "rateLimited":
                    raise
                return self._new_order(order.names, None), None

    def advance(self, order: Order, publish: Publish) -> str | None:
        """Answer challenges, hand in the request, or fetch the chain: whichever is next."""
        with self._session.asking():
            body = self._body(order)
            if body.status == messages.STATUS_PENDING:
                self._answer(body, publish)
            elif body.status == messages.STATUS_READY:
                request = messages.CertificateRequest(csr=_signing_request(order))
                self._session.post(body.finalize, request)
            elif body.status == messages.STATUS_VALID and body.certificate:
                return self._session.post(body.certificate).text
            elif body.status == messages.STATUS_INVALID:
                raise InvalidError("; ".join(self._reasons(body)))
        return None

    def tidy(self, order: Order) -> None:
        """Take every challenge down."""
        with self._session.asking():
            for name, challenge in self._challenges(self._body(order)):
                self._proof.take_down(name, challenge, self._session.key)

    def advise(self, certificate: Certificate) -> Advice:
        """Ask for the renewal window, and choose a moment within it."""
        with self._session.asking():
            at, again = self._session.client.renewal_time(certificate.chain.encode())
        least, most = (timedelta(seconds=seconds) for seconds in ADVICE_SECONDS)
        wait = NO_ADVICE if at is None else again - datetime.now()
        return Advice(at, min(max(wait, least), most))

    def caa(self, names: tuple[str, ...]) -> str:
        """Return the records that let this account alone order certificates."""
        with self._session.asking():
            account, identities = self._session.account_url, self._identities()
        return "\n".join(caa.advice(name, identities[0], account) for name in names if identities)

    def _ask_caa(self, names: tuple[str, ...]) -> tuple[list[str], list[str]]:
        with self._session.asking():
            identities, account = self._identities(), self._session.account_url
        forbidden, unknown = [], []
        for name in names:
            try:
                reason = caa.forbids(self._resolver.caa(name), identities, account, self._proof.kind)
            except NamesError as error:
                unknown.append(f"whether CAA records of {name} allow it is not known: {error}")
            else:
                forbidden += [f"{name}: {reason}"] if reason else []
        return forbidden, unknown

    def _identities(self) -> tuple[str, ...]:
        return tuple(self._session.directory.meta.caa_identities or ())

    def _require_profile(self) -> None:
        offered = self._session.directory.meta.profiles or {}
        if self._server.profile and self._server.profile not in offered:
            raise RefusedError(
                f"the ACME server has no profile {self._server.profile!r}; "
                f"it offers {', '.join(sorted(offered)) or 'none'}"
            )

    def _new_order(self, names: tuple[str, ...], replaces: str | None) -> str:
        identifiers = [messages.Identifier(typ=messages.IDENTIFIER_FQDN, value=name) for name in names]
        wanted = NewOrder(identifiers=identifiers, profile=self._server.profile, replaces=replaces)
        return self._session.post(self._session.directory["newOrder"], wanted).headers["Location"]

    def _body(self, order: Order) -> messages.Order:
        try:
            answer = self._session.post(str(order.url))
        except acme.errors.Error as error:
            if self._session.status != NOT_FOUND:
                raise
            # What stands before a server that is away knows nothing at all.
            self._session.reconnect()
            raise ForgottenError(f"the ACME server does not know the order any more: {error}") from error
        found: messages.Order = messages.Order.from_json(answer.json())
        return found

    def _answer(self, body: messages.Order, publish: Publish) -> None:
        """Put up what is looked for, and say so; once said, nothing is to be done but wait."""
        for name, challenge in self._challenges(body, messages.STATUS_PENDING):
            if challenge.status == messages.STATUS_PENDING:
                self._proof.put_up(name, challenge, self._session.key, publish)
                self._session.post(challenge.uri, challenge.response(self._session.key))

    def _challenges(
        self, body: messages.Order, status: messages.Status | None = None
    ) -> Iterator[tuple[str, messages.ChallengeBody]]:
        for name, found in self._authorizations(body):
            if status in {None, found.status}:
                yield from ((name, each) for each in found.challenges if each.chall.typ == self._proof.kind)

    def _authorizations(self, body: messages.Order) -> Iterator[tuple[str, messages.Authorization]]:
        for url in body.authorizations:
            found = messages.Authorization.from_json(self._session.post(url).json())
            yield found.identifier.value, found

    def _reasons(self, body: messages.Order) -> list[str]:
        """Say of each name what the server found; the order's own error only repeats one of these.

        Never nothing: a server that gives no reason still says how far it came with each name.
        """
        authorizations = [*self._authorizations(body)]
        found = [
            f"{name}: {each.error.detail or each.error.typ}"
            for name, authorization in authorizations
            for each in authorization.challenges
            if each.error is not None
        ]
        if body.error and not found:
            found = [str(body.error.detail or body.error.typ)]
        return found or [f"the order is invalid, and the server gives no reason: {_states(authorizations)}"]


def _states(authorizations: list[tuple[str, messages.Authorization]]) -> str:
    """Say how far the server came with each name; a status may be missing (RFC 8555 requires it)."""
    return ", ".join(
        f"{name} is {found.status.name if found.status else 'without a status'}"
        for name, found in authorizations
    )


def _signing_request(order: Order) -> x509.CertificateSigningRequest:
    names = x509.SubjectAlternativeName(list(map(x509.DNSName, order.names)))
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return builder.add_extension(names, critical=False).sign(keys.load(order.key), SHA256())
