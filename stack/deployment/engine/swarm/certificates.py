"""A certificate authority of the stack's own, for names that no public one would sign."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import trustme

from deployment.configuration.layout import STACK

# Browsers refuse server certificates of private authorities that live longer than 825 days.
VALID_FOR = timedelta(days=800)


@dataclass(frozen=True)
class Certificate:
    """PEM texts: the authority that users trust, and what the edge shows. The key is a secret."""

    authority: bytes
    chain: bytes
    key: bytes

    def __repr__(self) -> str:
        return "Certificate(…)"


def issue(hosts: tuple[str, ...]) -> Certificate:
    """Make an authority and one certificate for `hosts`; the authority's key is not kept."""
    authority = trustme.CA(organization_name=f"{STACK} local CA")
    leaf = authority.issue_cert(*hosts, not_after=datetime.now(UTC) + VALID_FOR)
    chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
    return Certificate(authority.cert_pem.bytes(), chain, leaf.private_key_pem.bytes())
