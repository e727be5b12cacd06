"""A certificate authority of the stack's own, for names that no public one would sign."""

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
