"""The local authority can sign, and its key does not show."""

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from deployment.engine.swarm import certificates


def test_the_key_is_that_of_the_certificate_and_the_certificate_that_of_an_authority() -> None:
    made = certificates.make()
    certificate = x509.load_pem_x509_certificate(made.certificate)
    key = load_pem_private_key(made.key, None)
    assert key.public_key() == certificate.public_key()
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_the_key_does_not_show() -> None:
    assert "PRIVATE" not in repr(certificates.make())
