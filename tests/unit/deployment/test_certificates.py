"""Authorities can sign, and keys do not show."""

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from deployment.engine.secrets import certificates


def test_the_key_is_that_of_the_certificate_and_the_certificate_that_of_an_authority() -> None:
    made = certificates.make()
    certificate = x509.load_pem_x509_certificate(made.certificate)
    key = load_pem_private_key(made.key, None)
    assert key.public_key() == certificate.public_key()
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_the_key_does_not_show() -> None:
    assert "PRIVATE" not in repr(certificates.make())


def test_each_server_inside_has_a_certificate_for_its_own_names() -> None:
    wanted = {"postgres": ["postgres-1", "postgres-2"], "pgpool": ["pgpool"]}
    made = certificates.make_inside(wanted)
    (authority,) = x509.load_pem_x509_certificates(made.authority)
    for server, text in made.servers.items():
        (leaf,) = x509.load_pem_x509_certificates(text)
        leaf.verify_directly_issued_by(authority)
        assert load_pem_private_key(text, None).public_key() == leaf.public_key()
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == wanted[server]
    assert "PRIVATE" not in repr(made)
