"""Certificate authorities of the stack's own: for names that no public one would sign."""

from collections.abc import Iterable, Mapping
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


def make_inside(servers: Iterable[str]) -> Inside:
    """Make certificates for servers by name; the authority's key is not kept, so it signs nothing later."""
    made = trustme.CA(organization_name=f"{STACK} inside CA")
    pairs = {name: made.issue_cert(name).private_key_and_cert_chain_pem.bytes() for name in servers}
    return Inside(made.cert_pem.bytes(), pairs)
