"""How many voters nobody has met may come from one address: a token bucket for each.

Who has a valid cookie is never counted. Each process counts for itself.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from werkzeug.exceptions import TooManyRequests

from vote.address import Network, source_of

MOST_ADDRESSES = 20_000
SWEEP_SECONDS = 1.0
REST = ""
"""The bucket that addresses share for which there is no room."""


class Limit(NamedTuple):
    """Tokens that a bucket gains in a second, and those that it holds when it is full."""

    per_second: float
    burst: float


class Bucket(NamedTuple):
    """The tokens that a bucket held at a moment of the monotonic clock."""

    tokens: float
    at: float


def filled(bucket: Bucket, now: float, limit: Limit) -> Bucket:
    """Return a bucket as it is now."""
    gained = max(0.0, now - bucket.at) * limit.per_second
    return Bucket(min(limit.burst, bucket.tokens + gained), now)


def draw(bucket: Bucket, now: float, limit: Limit) -> tuple[Bucket, float]:
    """Take a token where there is one; return the bucket, and the seconds until there will be one, else 0."""
    tokens = filled(bucket, now, limit).tokens
    if tokens >= 1:
        return Bucket(tokens - 1, now), 0.0
    return Bucket(tokens, now), (1 - tokens) / limit.per_second


class Admission:
    """Lets new voters in, or raises TooManyRequests; a limit of none lets everybody in."""

    def __init__(
        self,
        limit: Limit | None,
        proxies: Sequence[Network] = (),
        *,
        most: int = MOST_ADDRESSES,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._proxies = proxies
        self._most = most
        self._now = now
        self._buckets: dict[str, Bucket] = {}
        self._swept = -math.inf

    def admit(self, environ: Mapping[str, Any]) -> None:
        """Count a voter who has no valid cookie."""
        if self._limit is None:
            return
        now = self._now()
        source = self._place(source_of(environ, self._proxies), now, self._limit)
        bucket = self._buckets.get(source, Bucket(self._limit.burst, now))
        self._buckets[source], wait = draw(bucket, now, self._limit)
        if wait:
            raise TooManyRequests("too_many_new_voters", retry_after=math.ceil(wait))

    def _place(self, source: str, now: float, limit: Limit) -> str:
        """Return whose bucket counts: without room for one more, the bucket that the rest shares.

        Only full ones are forgotten. To forget another would fill it: so many addresses at once would find no
        limit.
        """
        if source in self._buckets or len(self._buckets) < self._most:
            return source
        if now - self._swept >= SWEEP_SECONDS:
            self._swept = now
            self._buckets = {
                key: bucket
                for key, bucket in self._buckets.items()
                if filled(bucket, now, limit).tokens < limit.burst
            }
        return source if len(self._buckets) < self._most else REST
