"""When a poll closes, as settings say it."""

from datetime import UTC, datetime

# A millisecond before 1970 would be none to the queue; beyond the other end there may be no time in UTC.
FIRST_YEAR, LAST_YEAR = 1971, 9998


def parse_closing(text: str) -> datetime | None:
    """Return a time such as 2026-12-24T20:00Z in UTC, None for an empty text; raise ValueError."""
    if not text.strip():
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError("expected a time such as 2026-12-24T20:00Z") from None
    if moment.tzinfo is None:
        raise ValueError("needs a time zone, e.g. 2026-12-24T20:00Z or 2026-12-24T21:00+01:00")
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"expected a year from {FIRST_YEAR} to {LAST_YEAR}")
    return moment.astimezone(UTC)
