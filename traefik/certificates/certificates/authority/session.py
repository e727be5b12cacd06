"""Talking to an ACME server with an account there, which is made at the first time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.client import INTERNAL_SERVER_ERROR
from typing import Any, cast

import acme.errors
import josepy.errors
import requests
from acme import messages
from acme.client import ClientNetwork, ClientV2
from josepy.interfaces import JSONDeSerializable
from josepy.jwa import ES256
from josepy.jwk import JWK, JWKEC

from certificates.authority import keys
from certificates.authority.authority import AwayError, RefusedError
from certificates.authority.server import Server
from certificates.errors import ServiceError
from certificates.state.accounts import Account
from certificates.state.records import Records

ANSWER_SECONDS = 15
# A server may refuse any nonce, and wants to be asked again (RFC 8555, section 6.5); the library does, once.
MOST_NONCES = 3
LONGEST_WAIT = timedelta(days=1)
SECONDS = re.compile(r"[0-9]{1,7}")
# The last three are what the library makes of an answer that is no directory, or has no address.
LIBRARY_ERRORS = (
    requests.RequestException,
    acme.errors.Error,
    josepy.errors.Error,
    ValueError,
    KeyError,
    TypeError,
)


class Session:
    """One account at one server; connected when it is needed, and anew after every failure."""

    def __init__(self, server: Server, name: str, records: Records) -> None:
        self._server = server
        self._name = name
        self._records = records
        self._client: ClientV2 | None = None
        self._again: timedelta | None = None
        self.status = 0
        """Of the last answer."""

    @property
    def key(self) -> JWK:
        """The account's key."""
        return cast(JWK, self.client.net.key)

    @property
    def account_url(self) -> str:
        """Where the server has the account."""
        return str(cast(messages.RegistrationResource, self.client.net.account).uri)

    @property
    def directory(self) -> messages.Directory:
        """What the server offers."""
        return self.client.directory

    @property
    def client(self) -> ClientV2:
        """The library's client."""
        if self._client is None:
            self._client = self._connect()
        return self._client

    def reconnect(self) -> None:
        """Ask for the directory again."""
        self._client = self._connect()

    def post(self, url: str, content: JSONDeSerializable | None = None) -> requests.Response:
        """Send something signed; without content it is a question (POST-as-GET)."""
        client = self.client
        # The library's annotation does not know of the empty question that the library itself sends.
        body = cast(JSONDeSerializable, content)
        for _ in range(MOST_NONCES - 1):
            try:
                return client.net.post(url, body, new_nonce_url=client.directory["newNonce"])
            except messages.Error as error:
                if error.code != "badNonce":
                    raise
        return client.net.post(url, body, new_nonce_url=client.directory["newNonce"])

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Raise AwayError or RefusedError in place of the library's errors."""
        self._again, self.status = None, 0
        try:
            yield
        except LIBRARY_ERRORS as error:
            self._client = None
            # Asked for advice on renewal, the library hides what happened behind an error of its own.
            hidden = error.__cause__ if isinstance(error, acme.errors.ARIError) else None
            raise self._meaning(hidden or error) from error

    def _meaning(self, error: BaseException) -> ServiceError:
        if isinstance(error, requests.RequestException):
            return AwayError(f"the ACME server does not answer: {_shortened(error)}")
        if isinstance(error, messages.Error) and error.code == "accountDoesNotExist":
            self._forget_account()
        if self.status >= INTERNAL_SERVER_ERROR and not self._again:
            return AwayError(f"the ACME server has a failure of its own: {_said(error)}")
        return RefusedError(f"the ACME server refuses: {_said(error)}", self._again)

    def _connect(self) -> ClientV2:
        account = self._records.account(self._name) or Account(keys.make(), None)
        if account.url is None:
            # Stored before it is used: whoever is killed in between makes no second account.
            self._records.keep_account(self._name, account)
        key = JWKEC(key=keys.load(account.key))
        network = ClientNetwork(key, alg=ES256, user_agent="vote-app", timeout=ANSWER_SECONDS)
        network.verify_ssl = cast(bool, self._server.ca_file or True)
        network.session.hooks["response"].append(self._note)
        client = ClientV2(ClientV2.get_directory(self._server.directory, network), network)
        url = account.url or self._register(client, account, key)
        network.account = messages.RegistrationResource(uri=url, body=messages.Registration())
        return client

    def _register(self, client: ClientV2, account: Account, key: JWKEC) -> str:
        binding = self._binding(client, key)
        wanted = messages.NewRegistration.from_data(
            email=self._server.email, terms_of_service_agreed=True, external_account_binding=binding
        )
        try:
            url = str(client.new_account(wanted).uri)
        except acme.errors.ConflictError as known:
            url = known.location
        self._records.keep_account(self._name, Account(account.key, url))
        return url

    def _binding(self, client: ClientV2, key: JWKEC) -> dict[str, Any] | None:
        if not self._server.key_identifier:
            return None
        return messages.ExternalAccountBinding.from_data(
            key.public_key(), self._server.key_identifier, self._server.hmac_key, client.directory
        )

    def _forget_account(self) -> None:
        account = self._records.account(self._name)
        if account is not None:
            self._records.keep_account(self._name, Account(account.key, None))

    def _note(self, response: requests.Response, *_: Any, **__: Any) -> None:
        after = response.headers.get("Retry-After", "")
        self.status = response.status_code
        said = self.status in {429, 503} and SECONDS.fullmatch(after)
        self._again = min(timedelta(seconds=int(after)), LONGEST_WAIT) if said else None


def _said(error: BaseException) -> str:
    """Return what the server says, without the library's frame."""
    if isinstance(error, messages.Error):
        return f"{error.detail or error.title or error.typ} ({str(error.typ).rpartition(':')[2]})"
    cause = error.args[0] if error.args else error
    if isinstance(cause, requests.Response):
        return f"HTTP {cause.status_code}"
    return _shortened(error)


def _shortened(error: BaseException) -> str:
    return (str(error) or type(error).__name__)[:300]
