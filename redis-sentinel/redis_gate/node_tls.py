"""What a node needs to speak with TLS: as a server, to others, and in the configuration of its server."""

import ssl
from dataclasses import dataclass

from redis_gate.environment import Environment, SettingError, required
from redis_gate.redis_tls import redis_authority

SERVER_FILE = "/run/secrets/server_tls"


@dataclass(frozen=True)
class Tls:
    """The authority's certificate, and this node's key with its own certificate, as files."""

    authority: str
    server: str

    def as_client(self) -> ssl.SSLContext:
        """Return what this node talks to others with: it checks who they are, by name."""
        return ssl.create_default_context(cafile=self.authority)

    def as_server(self) -> ssl.SSLContext:
        """Return what this node lets others talk to it with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server)
        return context


def read_tls(environment: Environment) -> Tls | None:
    """Return what the environment says; None where everybody speaks in clear. Raises SettingError."""
    authority = redis_authority(environment)
    if authority is None:
        return None
    tls = Tls(authority, required(environment, "SERVER_TLS_FILE", SERVER_FILE))
    try:
        tls.as_server()
    except ssl.SSLError:
        raise SettingError(f"SERVER_TLS_FILE: {tls.server} holds no key with its certificate") from None
    except OSError as error:
        raise SettingError(f"SERVER_TLS_FILE: cannot read {tls.server}: {error.strerror}") from error
    return tls


def listening(port: int, tls: Tls | None) -> list[str]:
    """Return the lines by which Redis or Sentinel listens, and by which it reaches its peers.

    Of a peer both check that the authority signed its certificate, but not its name: they have no such check.
    """
    if tls is None:
        return [f"port {port}"]
    return [
        "port 0",
        f"tls-port {port}",
        f"tls-ca-cert-file {tls.authority}",
        f"tls-cert-file {tls.server}",
        f"tls-key-file {tls.server}",
        'tls-protocols "TLSv1.2 TLSv1.3"',
        "tls-replication yes",
        # Clients say who they are by their passwords.
        "tls-auth-clients no",
    ]
