from __future__ import annotations

from datetime import timedelta

import pytest

from certificates.plan.schedule import pause, renewal
from unit.certificates.made import DAY, NOW

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)

# Life, advised renewal after so long, renewal after so long.
RENEWALS = {
    "90 days": (90 * DAY, None, 60 * DAY),
    "64 days": (64 * DAY, None, 64 * DAY * 2 / 3),
    "45 days": (45 * DAY, None, 30 * DAY),
    "ten days": (10 * DAY, None, 10 * DAY * 2 / 3),
    "below ten days": (10 * DAY - SECOND, None, 5 * DAY - SECOND / 2),
    "6 days": (6 * DAY, None, 3 * DAY),
    "one minute": (MINUTE, None, 30 * SECOND),
    "advised early": (90 * DAY, 10 * DAY, 10 * DAY),
    "advised before its begin": (90 * DAY, -DAY, -DAY),
    "advised late": (90 * DAY, 70 * DAY, 70 * DAY),
    "advised too late": (90 * DAY, 80 * DAY, 72 * DAY),
    "advised after its end": (6 * DAY, 30 * DAY, 4.8 * DAY),
}


@pytest.mark.parametrize("case", RENEWALS)
def test_when_a_certificate_is_renewed(case: str) -> None:
    life, advised, after = RENEWALS[case]
    at = renewal(NOW, NOW + life, None if advised is None else NOW + advised)
    assert abs(at - (NOW + after)) < timedelta(milliseconds=1)


@pytest.mark.parametrize("life", [MINUTE, 6 * DAY, 45 * DAY, 90 * DAY, 398 * DAY])
@pytest.mark.parametrize("advised", [None, NOW + 1000 * DAY])
def test_renewal_begins_before_an_operator_is_told(life: timedelta, advised: None) -> None:
    assert renewal(NOW, NOW + life, advised) < NOW + life * 5 / 6


# Failures in a row, what is left of the life, the pause.
PAUSES = {
    "the first": (1, None, MINUTE),
    "the second": (2, None, 2 * MINUTE),
    "the sixth": (6, None, 32 * MINUTE),
    "the seventh": (7, None, HOUR),
    "very many": (10_000, None, HOUR),
    "with much left": (7, 30 * DAY, HOUR),
    "with little left": (7, HOUR, 6 * MINUTE),
    "the first, with little left": (1, HOUR, MINUTE),
    "with next to nothing left": (7, MINUTE, 6 * SECOND),
    "with nothing left but seconds": (7, 10 * SECOND, 5 * SECOND),
    "at its end": (7, 0 * SECOND, HOUR),
    "after its end": (7, -DAY, HOUR),
}


@pytest.mark.parametrize("case", PAUSES)
def test_how_long_to_wait_after_failures(case: str) -> None:
    failures, left, wait = PAUSES[case]
    assert pause(failures, left) == wait
