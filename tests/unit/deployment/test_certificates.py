"""The local authority signs what browsers accept."""

from datetime import UTC, datetime, timedelta

from cryptography import x509

from deployment.engine.swarm import certificates

HOSTS = ("vote.localhost", "result.localhost")


def test_the_certificate_is_for_both_hosts_and_lives_no_longer_than_browsers_allow() -> None:
    issued = certificates.issue(HOSTS)
    leaf = x509.load_pem_x509_certificate(issued.chain)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == list(HOSTS)
    assert leaf.not_valid_after_utc - datetime.now(UTC) < timedelta(days=825)
    leaf.verify_directly_issued_by(x509.load_pem_x509_certificate(issued.authority))


def test_the_key_does_not_show() -> None:
    assert "PRIVATE" not in repr(certificates.issue(HOSTS))
