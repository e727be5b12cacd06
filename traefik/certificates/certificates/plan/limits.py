"""An authority's rate limits, kept from what is stored of past orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Past:
    """An order for the same names that has ended."""

    ended: datetime
    issued: bool  # otherwise a name could not be validated
    renewal: bool = False  # it replaced a certificate when the authority had advised so


@dataclass(frozen=True)
class Limit:
    """At most so many in a period."""

    count: int
    period: timedelta
    issued: bool
    what: str


# https://letsencrypt.org/docs/rate-limits/ (read 2026-11-28): 5 certificates for one set of names in a week,
# renewals by ARI do not count; 5 failed validations of one name in an hour.
LIMITS = {
    "letsencrypt.org": (
        Limit(5, timedelta(days=7), issued=True, what="certificates for these names in a week"),
        Limit(5, timedelta(hours=1), issued=False, what="failed validations in an hour"),
    )
}


# An authority that always advises to renew at once is not obeyed more often.
ADVISED = Limit(2, timedelta(hours=1), issued=True, what="renewals that the authority advised in an hour")


def of(directory: str) -> tuple[Limit, ...]:
    """Return the limits that are known of an ACME directory (URL)."""
    host = urlsplit(directory).hostname or ""
    return next((known for domain, known in LIMITS.items() if f".{host}".endswith(f".{domain}")), ())


def reached(
    limits: Sequence[Limit], history: Sequence[Past], now: datetime, *, exempt: bool
) -> tuple[datetime, str] | None:
    """Return until when no order may be made, and why; None if one may be made now.

    An `exempt` order replaces a certificate as its authority advised: it counts for no week's limit.
    """
    binding = (ADVISED, *(each for each in limits if not each.issued)) if exempt else limits
    waits = []
    for limit in binding:
        counted = sorted(past.ended for past in history if _counts(past, limit))
        recent = [ended for ended in counted if ended > now - limit.period]
        if len(recent) >= limit.count:
            waits.append((recent[-limit.count] + limit.period, f"{limit.count} {limit.what}"))
    return max(waits, default=None)


def _counts(past: Past, limit: Limit) -> bool:
    if not past.issued:
        return not limit.issued
    return limit.issued and past.renewal == (limit is ADVISED)
