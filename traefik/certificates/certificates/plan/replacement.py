"""The name by which a new order says which certificate it replaces."""

from __future__ import annotations

import base64

from cryptography import x509


def identifier(chain: str) -> str | None:
    """Return a certificate's identifier (RFC 9773, section 4.1); None if its issuer's key has none."""
    leaf = x509.load_pem_x509_certificates(chain.encode())[0]
    try:
        issuer = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        return None
    # DER's integers are signed: the first bit is the sign.
    serial = leaf.serial_number.to_bytes(leaf.serial_number.bit_length() // 8 + 1, "big")
    return f"{_encoded(issuer)}.{_encoded(serial)}" if issuer else None


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
