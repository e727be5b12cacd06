"""Certificate authorities of the stack's own: for names that no public one would sign."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import trustme

from deployment.configuration.layout import STACK


@dataclass(frozen=True)
class Authority:
    """PEM texts: the certificate that users trust, and the secret key that signs for the edges."""

    certificate: bytes
    key: bytes = field(repr=False)


def make() -> Authority:
    """Make an authority; it lives for years, whatever the names of the pages become."""
    made = trustme.CA(organization_name=f"{STACK} local CA")
    return Authority(made.cert_pem.bytes(), made.private_key_pem.bytes())


@dataclass(frozen=True)
class Inside:
    """PEM texts: the certificate that services trust, and for each server its key with its certificate."""

    authority: bytes
    servers: Mapping[str, bytes] = field(repr=False)


def make_inside(servers: Mapping[str, Sequence[str]], what: str = "inside") -> Inside:
    """Make a certificate for each server, which has one name or several.

    By the first one it is known where it is a client itself.
    The authority's key is not kept: nobody can sign for another server later.
    """
    made = trustme.CA(organization_name=f"{STACK} {what} CA")
    issued = {server: made.issue_cert(*names, common_name=names[0]) for server, names in servers.items()}
    pairs = {server: pair.private_key_and_cert_chain_pem.bytes() for server, pair in issued.items()}
    return Inside(made.cert_pem.bytes(), pairs)
