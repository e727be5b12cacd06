from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.verification import PolicyBuilder, Store

from certificates.authority import keys
from certificates.authority.local import LocalAuthority
from certificates.plan.certificate import Certificate
from certificates.plan.findings import Findings
from certificates.state.orders import Order
from unit.certificates.made import DAY, NAMES, local_authority

MINUTE = timedelta(minutes=1)


def handshake(one: Certificate, trusted: str, name: str, folder: Path) -> None:
    """Let a client that trusts an authority meet a server, without a network."""
    (folder / "pair.pem").write_text(one.chain + one.key)
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(folder / "pair.pem")
    theirs = ssl.create_default_context(cadata=trusted)
    theirs.verify_flags |= ssl.VERIFY_X509_STRICT
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = ours.wrap_bio(to_server, to_client, server_side=True)
    client = theirs.wrap_bio(to_client, to_server, server_hostname=name)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue


@pytest.mark.parametrize("name", NAMES)
def test_whoever_trusts_the_authority_trusts_both_names(name: str, tmp_path: Path) -> None:
    authority, trusted = local_authority()
    handshake(authority.provisional(NAMES), trusted, name, tmp_path)


def test_another_name_is_not_trusted(tmp_path: Path) -> None:
    authority, trusted = local_authority()
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(authority.provisional(NAMES), trusted, "www.example.org", tmp_path)


def test_another_authority_is_not_trusted(tmp_path: Path) -> None:
    _, trusted = local_authority()
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(local_authority()[0].provisional(NAMES), trusted, NAMES[0], tmp_path)


def test_the_certificate_is_a_servers_by_the_letter_of_the_standard() -> None:
    authority, trusted = local_authority()
    leaf = x509.load_pem_x509_certificate(authority.provisional(NAMES).chain.encode())
    store = Store([x509.load_pem_x509_certificate(trusted.encode())])
    for name in NAMES:
        PolicyBuilder().store(store).build_server_verifier(x509.DNSName(name)).verify(leaf, [])


# The life that is wished; how long before it begins.
LIVES = {"usual": (90 * DAY, 60 * MINUTE), "one minute": (MINUTE, timedelta(seconds=6))}


@pytest.mark.parametrize("case", LIVES)
def test_it_lives_as_long_as_is_wished(case: str) -> None:
    life, backdated = LIVES[case]
    before = datetime.now(UTC).replace(microsecond=0)
    one = local_authority(life)[0].provisional(NAMES)
    after = datetime.now(UTC)
    assert before + life <= one.not_after <= after + life
    assert before - backdated <= one.not_before <= after - backdated


def test_it_lives_no_longer_than_its_authority() -> None:
    authority, trusted = local_authority(400_000 * DAY)
    ends = x509.load_pem_x509_certificate(trusted.encode()).not_valid_after_utc
    assert authority.provisional(NAMES).not_after == ends


def test_an_order_is_signed_at_once_with_its_own_key() -> None:
    authority, _ = local_authority()
    key = keys.make()
    url, replaces = authority.place(Order(authority.name, NAMES, key, "something", 7, None))
    chain = authority.advance(Order(authority.name, NAMES, key, None, 7, url), lambda *_: None)
    leaf = x509.load_pem_x509_certificate(chain.encode())
    assert (url, replaces) == ("local:7", None)
    assert leaf.public_key() == keys.load(key).public_key()


def test_nothing_speaks_against_an_order_and_nothing_is_advised() -> None:
    authority, _ = local_authority()
    assert authority.look(NAMES, lambda *_: None) == Findings()
    assert authority.limits == ()
    assert authority.caa(NAMES) == ""
    assert authority.advise(authority.provisional(NAMES)).renew_at is None


def test_every_certificate_has_a_key_and_a_number_of_its_own() -> None:
    authority, _ = local_authority()
    one, other = authority.provisional(NAMES), authority.provisional(NAMES)
    assert one.key != other.key
    serials = [x509.load_pem_x509_certificate(each.chain.encode()).serial_number for each in (one, other)]
    assert serials[0] != serials[1]


def test_its_name_tells_one_authority_from_another() -> None:
    first, second = local_authority()[0].name, local_authority()[0].name
    assert first != second
    assert first.startswith("local#")


def rsa_key() -> str:
    key = rsa.generate_private_key(65537, 2048)
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def test_what_is_no_authority_is_refused() -> None:
    made = trustme.CA()
    certificate, key = made.cert_pem.bytes().decode(), made.private_key_pem.bytes().decode()
    for pair, said in (
        ((certificate, keys.make()), "another certificate's"),
        ((certificate, rsa_key()), "not a key on an elliptic curve"),
        ((certificate, ""), r"\w"),
        (("", key), r"\w"),
    ):
        with pytest.raises(ValueError, match=said):
            LocalAuthority(*pair, life=90 * DAY)
