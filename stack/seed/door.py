"""A page as a visitor reaches it: by its name, at an address."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from seed.errors import SeedError

# A vote is answered within ten.
ANSWER_SECONDS = 15.0
FORM = "application/x-www-form-urlencoded"


class UnreachableError(Exception):
    """There was no connection, so nothing was sent."""


class UnansweredError(Exception):
    """Something was sent, and no whole answer came."""


@dataclass(frozen=True)
class Answer:
    """What the page answered; `retry_after` are the seconds to wait, if it said so."""

    status: int
    retry_after: str = ""
    cookies: Sequence[str] = ()
    body: bytes = b""


@dataclass(frozen=True)
class Door:
    """A page's address, and where to connect for it: at its own name, or at another address and port."""

    url: str
    address: str = ""
    port: int = 0
    trust: ssl.SSLContext | None = None

    def get(self, path: str) -> Answer:
        """Return what is below the page; raise UnreachableError or UnansweredError."""
        return self._ask("GET", path, {})

    def look(self, path: str) -> Answer:
        """Return what is below the page; raise SeedError if it does not answer."""
        try:
            return self.get(path)
        except (UnreachableError, UnansweredError) as error:
            raise SeedError(f"{self.url} does not answer: {error}") from error

    def post(self, form: str, cookie: str = "") -> Answer:
        """Send a form, over a connection of its own as each voter has; raise as `get` does."""
        return self._ask("POST", "", {"Content-Type": FORM} | ({"Cookie": cookie} if cookie else {}), form)

    def _ask(self, method: str, path: str, headers: dict[str, str], form: str = "") -> Answer:
        page = urlsplit(self.url)
        connection = self._connect()
        try:
            connection.request(method, page.path + path, form.encode(), headers | {"Host": page.netloc})
            found = connection.getresponse()
            told, cookies = found.getheader("Retry-After", ""), found.headers.get_all("Set-Cookie") or []
            pairs = [cookie.partition(";")[0] for cookie in cookies]
            return Answer(found.status, told, pairs, found.read())
        except (OSError, HTTPException) as error:
            raise UnansweredError(str(error) or type(error).__name__) from error
        finally:
            connection.close()

    def _connect(self) -> HTTPConnection:
        page = urlsplit(self.url)
        name = page.hostname or ""
        connection = HTTPConnection(
            self.address or name, self.port or page.port or 80, timeout=ANSWER_SECONDS
        )
        try:
            connection.connect()
            if self.trust:
                connection.sock = self.trust.wrap_socket(connection.sock, server_hostname=name)
        except OSError as error:
            connection.close()
            raise UnreachableError(str(error) or type(error).__name__) from error
        return connection
