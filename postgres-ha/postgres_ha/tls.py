"""TLS between the services inside: what this one demands of others, and the certificate that it shows."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from .environment import Environment, SettingError, required

DEMANDED, PREFERRED = "verify-full", "prefer"
SERVER_FILE = "/run/secrets/server_tls"


@dataclass(frozen=True)
class Tls:
    """Whether nothing is said in plain, the files, and what is made of them once for all connections."""

    demanded: bool
    authority: Path
    server_file: Path
    client: ssl.SSLContext = field(repr=False)
    server: ssl.SSLContext = field(repr=False)


def load(environment: Environment) -> Tls:
    """Read the settings, of which libpq reads the same two; raise SettingError."""
    mode = required(environment, "PGSSLMODE")
    if mode not in (DEMANDED, PREFERRED):
        raise SettingError(f"PGSSLMODE: expected {DEMANDED} or {PREFERRED}")
    authority = Path(required(environment, "PGSSLROOTCERT"))
    server_file = Path(required(environment, "SERVER_TLS_FILE", SERVER_FILE))
    client, server = _client(authority), _server(server_file)
    return Tls(mode == DEMANDED, authority, server_file, client, server)


def _client(authority: Path) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=str(authority))
    except OSError as error:
        raise SettingError(f"PGSSLROOTCERT: {authority} holds no certificate: {error.strerror}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def _server(server_file: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 0
    try:
        context.load_cert_chain(server_file)
    except OSError as error:
        reason = f"{server_file} holds no key with its certificate: {error.strerror}"
        raise SettingError(f"SERVER_TLS_FILE: {reason}") from error
    return context
