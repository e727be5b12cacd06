"""The stack's own authority, for names that no public one would sign: whoever trusts it trusts the pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certificates.authority import keys
from certificates.authority.authority import Advice, Publish
from certificates.plan import certificate
from certificates.plan.certificate import Certificate
from certificates.plan.findings import Findings
from certificates.plan.limits import Limit
from certificates.state.orders import Order

# No clock that is behind may find the certificate of the future. Public authorities do the same.
BACKDATED = timedelta(hours=1)
NO_ADVICE = timedelta(days=1)


class LocalAuthority:
    """Signs at once, and asks nobody."""

    limits: Sequence[Limit] = ()

    def __init__(self, certificate_pem: str, key_pem: str, life: timedelta) -> None:
        """Raise ValueError if these are no certificate and its key."""
        self._certificate = x509.load_pem_x509_certificate(certificate_pem.encode())
        self._key = keys.load(key_pem)
        if self._key.public_key() != self._certificate.public_key():
            raise ValueError("the local authority's key is another certificate's")
        self._life = life
        self.name = f"local#{self._certificate.fingerprint(SHA256()).hex()[:12]}"

    def look(self, names: tuple[str, ...], publish: Publish) -> Findings:  # noqa: ARG002
        """Find nothing wrong: no name has to be proved."""
        return Findings()

    def place(self, order: Order) -> tuple[str, str | None]:
        """Return an address that only looks like one."""
        return f"local:{order.id}", None

    def advance(self, order: Order, publish: Publish) -> str:  # noqa: ARG002
        """Sign."""
        return self.sign(order.names, keys.load(order.key))

    def tidy(self, order: Order) -> None:
        """Leave everything: nothing was put up."""

    def advise(self, certificate: Certificate) -> Advice:  # noqa: ARG002
        """Leave it to the certificate's life."""
        return Advice(None, NO_ADVICE)

    def caa(self, names: tuple[str, ...]) -> str:  # noqa: ARG002
        """Return nothing: no public authority is meant."""
        return ""

    def provisional(self, names: tuple[str, ...]) -> Certificate:
        """Return a certificate that is kept nowhere: for as long as there is no other."""
        key = keys.make()
        return certificate.read(self.name, self.sign(names, keys.load(key)), key)

    def sign(self, names: tuple[str, ...], key: ec.EllipticCurvePrivateKey) -> str:
        """Return a server's certificate as PEM, as RFC 5280 wants it."""
        public, now = key.public_key(), datetime.now(UTC)
        authority_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        made = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])]))
            .issuer_name(self._certificate.subject)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - min(BACKDATED, self._life / 10))
            .not_valid_after(min(now + self._life, self._certificate.not_valid_after_utc))
            .add_extension(x509.SubjectAlternativeName(list(map(x509.DNSName, names))), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(authority_key, critical=False)
            .sign(self._key, SHA256())
        )
        return made.public_bytes(Encoding.PEM).decode()
