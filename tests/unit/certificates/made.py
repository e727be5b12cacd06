"""Certificates for tests: those that a decision is made about, and those that the local authority signs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import trustme

from certificates.authority.local import LocalAuthority
from certificates.plan.certificate import Certificate

NAMES = ("result.example.org", "vote.example.org")
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def certificate(
    until: datetime, authority: str = "acme", names: tuple[str, ...] = NAMES, since: datetime | None = None
) -> Certificate:
    """Return a certificate whose chain and key nobody looks at."""
    return Certificate(authority, names, since or until - 90 * DAY, until, f"chain until {until}", "key")


def local_authority(life: timedelta = 90 * DAY) -> tuple[LocalAuthority, str]:
    """Return a new local authority, and its certificate (PEM) for those who trust it."""
    made = trustme.CA()
    pem = made.cert_pem.bytes().decode()
    return LocalAuthority(pem, made.private_key_pem.bytes().decode(), life), pem
