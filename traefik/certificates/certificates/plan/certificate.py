"""A certificate with its key, and which of several to show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509


@dataclass(frozen=True)
class Certificate:
    """A chain and its key (PEM), for names, by an authority."""

    authority: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    chain: str = field(repr=False)
    key: str = field(repr=False)

    def is_valid(self, now: datetime) -> bool:
        """Whether its life has begun and has not ended."""
        return self.not_before <= now < self.not_after


def read(authority: str, chain: str, key: str) -> Certificate:
    """Return what a chain says of itself; raise ValueError if it is none."""
    leaf = x509.load_pem_x509_certificates(chain.encode())[0]
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound as error:
        raise ValueError("the certificate is for no name") from error
    listed = tuple(sorted(names.get_values_for_type(x509.DNSName)))
    return Certificate(authority, listed, leaf.not_valid_before_utc, leaf.not_valid_after_utc, chain, key)


def choose(
    known: Iterable[Certificate], authority: str, names: tuple[str, ...], now: datetime
) -> dict[str, Certificate]:
    """Return what to show for each name that has any: valid before others, then of the wanted authority.

    Of several it is the newest, not the one that lives longest: lives get shorter, and a renewal may be a
    replacement. One that has ended, or begins later by a clock that is ahead, is better than none: a browser
    says what is wrong with it.
    """
    ranked = sorted(
        known,
        key=lambda o: (o.is_valid(now), o.authority == authority, o.not_before, o.not_after),
    )
    return {name: one for one in ranked for name in names if name in one.names}
