"""How visitors reach the pages of a release, and what their browsers trust."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from deployment.configuration import hosts
from deployment.plan.release.release import Release

# Where a release keeps the authority of a private ACME server.
ACME_AUTHORITY = "stack/acme-ca.pem"
PAGES = ("vote", "result")
# Top-level domains that no public name server knows, or that are for examples.
PRIVATE = ("localhost", "local", "test", "internal", "example")


@dataclass(frozen=True)
class Entrance:
    """What visitors reach the pages by; `authorities` are PEM texts to trust beside the system's own.

    A `local` certificate is trusted for the sake of its own authority alone.
    """

    urls: Mapping[str, str]  # by page; their port may be another one than the edges', behind NAT
    port: int  # of the edges
    local: bool
    authorities: str = ""

    @property
    def hosts(self) -> dict[str, str]:
        """Host names of the pages."""
        return {page: str(urlsplit(url).hostname) for page, url in self.urls.items()}

    @property
    def public(self) -> bool:
        """Whether strangers may vote here."""
        return not self.local or any(map(is_public, self.hosts.values()))

    def trust(self) -> ssl.SSLContext:
        """Return what a visitor's browser trusts."""
        if self.local:
            return ssl.create_default_context(cadata=self.authorities)
        context = ssl.create_default_context()
        if self.authorities:
            context.load_verify_locations(cadata=self.authorities)
        return context


def of(release: Release, local_authority: str) -> Entrance:
    """Return the entrance of a release; without ACME the Swarm's own `local_authority` (PEM) signs."""
    port = int(release.variables["HTTPS_PORT"])
    public = int(release.variables.get("PUBLIC_HTTPS_PORT") or port)
    pages = dict(zip(PAGES, release.hosts, strict=True))
    by_path = "DOMAIN" in release.variables  # there with ROUTING=path alone
    urls = hosts.urls_of(pages, public, by_path=by_path)
    local = not release.variables.get("ACME_EMAIL")
    return Entrance(urls, port, local, local_authority if local else release.files.get(ACME_AUTHORITY, ""))


def is_public(host: str) -> bool:
    """Whether a host leads here from elsewhere: an address, or a name of no private domain."""
    return host.rpartition(".")[2] not in PRIVATE


def dashboard(release: Release) -> str:
    """Return the address of Traefik's dashboard; the empty string without one."""
    host, public = release.variables.get("DASHBOARD_HOST"), release.variables.get("PUBLIC_HTTPS_PORT")
    return f"{hosts.url(host, int(public or release.variables['HTTPS_PORT']))}dashboard/" if host else ""
