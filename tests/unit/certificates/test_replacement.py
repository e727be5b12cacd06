from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from certificates.plan.replacement import identifier
from unit.certificates.made import NOW, local_authority

ISSUER = bytes.fromhex("69885B6B87464041E1B37B847BA0AE2CDE01C8D4")
# RFC 9773, section 4.1; then those whose first byte says a sign, or does not.
SERIALS = {
    0x87654321: "AIdlQyE",
    0x7F: "fw",
    0x80: "AIA",
    0x0100: "AQA",
    2**159 - 1: "f" + "_" * 25 + "8",
}


def chain(serial: int, *extensions: x509.ExtensionType) -> str:
    """Return a certificate with a serial number, followed by another one."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    builder = x509.CertificateBuilder(name, name, key.public_key(), serial, NOW, NOW + timedelta(days=1))
    for each in extensions:
        builder = builder.add_extension(each, critical=False)
    _, another = local_authority()
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM).decode() + another


@pytest.mark.parametrize("serial", SERIALS)
def test_a_certificate_is_named_by_its_issuer_key_and_its_serial_number(serial: int) -> None:
    named = identifier(chain(serial, x509.AuthorityKeyIdentifier(ISSUER, None, None)))
    assert named == f"aYhba4dGQEHhs3uEe6CuLN4ByNQ.{SERIALS[serial]}"


def test_without_its_issuer_key_a_certificate_has_no_name() -> None:
    issuer = [x509.DirectoryName(x509.Name([]))]
    assert identifier(chain(1)) is None
    assert identifier(chain(1, x509.AuthorityKeyIdentifier(None, issuer, 7))) is None
