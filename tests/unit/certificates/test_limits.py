from __future__ import annotations

from datetime import timedelta

import pytest

from certificates.plan.limits import LIMITS, Limit, Past, of, reached
from unit.certificates.made import DAY, NOW

MINUTE = timedelta(minutes=1)
WEEK = Limit(2, 7 * DAY, issued=True, what="certificates in a week")
HOUR = Limit(3, 60 * MINUTE, issued=False, what="failures in an hour")


def issued(*ago: timedelta, renewal: bool = False) -> list[Past]:
    return [Past(NOW - each, issued=True, renewal=renewal) for each in ago]


def failed(*ago: timedelta) -> list[Past]:
    return [Past(NOW - each, issued=False) for each in ago]


FREE = {
    "nothing": [],
    "one below": issued(DAY),
    "one of them a week ago": issued(7 * DAY, DAY),
    "renewals do not count": [*issued(DAY, 2 * DAY, renewal=True), *issued(DAY)],
    "one failure below": failed(MINUTE, MINUTE),
    "failures do not count as certificates": [*issued(DAY), *failed(MINUTE, MINUTE)],
    "failures an hour ago": failed(60 * MINUTE, 61 * MINUTE, 90 * MINUTE),
}
FULL = {
    "two certificates": (issued(6 * DAY, DAY), NOW + DAY, "2 certificates in a week"),
    "in another order": (issued(DAY, 6 * DAY), NOW + DAY, "2 certificates in a week"),
    "more than allowed": (issued(DAY, 2 * DAY, 3 * DAY), NOW + 5 * DAY, "2 certificates in a week"),
    "a second before the week is over": (
        issued(7 * DAY - timedelta(seconds=1), DAY),
        NOW + timedelta(seconds=1),
        "2 certificates in a week",
    ),
    "failures": (failed(MINUTE, 2 * MINUTE, 50 * MINUTE), NOW + 10 * MINUTE, "3 failures in an hour"),
    "both, until the later moment": (
        [*issued(DAY, 6 * DAY), *failed(MINUTE, MINUTE, MINUTE)],
        NOW + DAY,
        "2 certificates in a week",
    ),
}


@pytest.mark.parametrize("case", FREE)
def test_an_order_may_be_made(case: str) -> None:
    assert reached((WEEK, HOUR), FREE[case], NOW, exempt=False) is None


@pytest.mark.parametrize("case", FULL)
def test_an_order_may_not_be_made_until_then(case: str) -> None:
    history, until, why = FULL[case]
    assert reached((WEEK, HOUR), history, NOW, exempt=False) == (until, why)


def test_then_it_may_be_made() -> None:
    history, until, _ = FULL["more than allowed"]
    assert reached((WEEK, HOUR), history, until, exempt=False) is None


def test_an_advised_renewal_counts_for_no_week_but_for_failures() -> None:
    assert reached((WEEK, HOUR), FULL["two certificates"][0], NOW, exempt=True) is None
    assert reached((WEEK, HOUR), FULL["failures"][0], NOW, exempt=True) is not None


KNOWN = {
    "https://acme-v02.api.letsencrypt.org/directory": LIMITS["letsencrypt.org"],
    "https://letsencrypt.org:443/": LIMITS["letsencrypt.org"],
    "https://ACME-staging-v02.api.LetsEncrypt.org/directory": LIMITS["letsencrypt.org"],
    "https://notletsencrypt.org/directory": (),
    "https://letsencrypt.org.example.com/directory": (),
    "https://10.0.0.7:14000/dir": (),
    "": (),
}


@pytest.mark.parametrize("directory", KNOWN)
def test_whose_limits_are_known(directory: str) -> None:
    assert of(directory) == KNOWN[directory]
