"""The edges, through any of which a browser reaches the pages."""

from __future__ import annotations

import socket
import ssl

from prober.addresses import addresses_of
from prober.errors import ServiceError
from prober.settings import Settings

CONNECT_SECONDS = 3.0


class AwayError(ServiceError):
    """No edge let us in, or what it led to did not answer as it should."""


class Edges:
    """Opens connections to the host of a page through one edge or another, as browsers do."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def open(self, host: str, seconds: float) -> ssl.SSLSocket:
        """Return a connection that waits so long for an answer; raise AwayError where no edge lets us in.

        A browser tries no other edge where one shows a certificate that it does not trust, and neither do we.
        """
        problems = []
        for address in self._addresses():
            try:
                return self._open(address, host, seconds)
            except ssl.SSLCertVerificationError as error:
                raise AwayError(f"{address} shows no valid certificate for {host}: {error}") from error
            except OSError as error:
                problems.append(f"{address}: {error}")
        raise AwayError(f"no edge leads to {host}: {', '.join(problems)}")

    def _addresses(self) -> list[str]:
        try:
            return addresses_of(self._settings.edge_host, self._settings.edge_port)
        except OSError as error:
            raise AwayError(f"{self._settings.edge_host}: {error}") from error

    def _open(self, address: str, host: str, seconds: float) -> ssl.SSLSocket:
        plain = socket.create_connection((address, self._settings.edge_port), CONNECT_SECONDS)
        try:
            secure = trust(self._settings).wrap_socket(plain, server_hostname=host)
        except OSError:
            plain.close()
            raise
        secure.settimeout(seconds)
        return secure


def trust(settings: Settings) -> ssl.SSLContext:
    """Return what a visitor's browser trusts: without ACME the stack's own authority, and nobody else."""
    if not settings.acme:
        return ssl.create_default_context(cafile=settings.authority_file)
    context = ssl.create_default_context()
    if settings.authority_file:
        context.load_verify_locations(cafile=settings.authority_file)
    return context
