"""When a certificate is renewed, and when a failed attempt is made again."""

from __future__ import annotations

from datetime import datetime, timedelta

SHORT_LIFE = timedelta(days=10)
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
SHORTEST_PAUSE = timedelta(seconds=5)
# An operator is told at a sixth of the life left: no authority's advice puts renewal off until then.
LATEST = 5


def renewal(not_before: datetime, not_after: datetime, advised: datetime | None = None) -> datetime:
    """Return when to renew: as the authority advises (RFC 9773), else with a third of the life left.

    Of a life below ten days it is half, as Let's Encrypt recommends for short-lived certificates.
    """
    life = not_after - not_before
    if advised is not None:
        return min(advised, not_after - life / LATEST)
    return not_after - life / (2 if life < SHORT_LIFE else 3)


def pause(failures: int, left: timedelta | None) -> timedelta:
    """Return how long to wait after so many failures in a row: doubling, and at most an hour.

    Never more than a tenth of what is left of the certificate's life, while there is something left.
    """
    longest = min(LONGEST_PAUSE, left / 10) if left and left > timedelta() else LONGEST_PAUSE
    doubled: timedelta = FIRST_PAUSE * 2 ** min(failures - 1, 10)
    return max(SHORTEST_PAUSE, min(doubled, longest))
