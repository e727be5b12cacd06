from __future__ import annotations

from datetime import timedelta

import pytest

from certificates.authority import keys
from certificates.plan.certificate import Certificate, best, read
from unit.certificates.made import DAY, NAMES, NOW, certificate, local_authority

VALID, LATER, ENDED = NOW + DAY, NOW + 80 * DAY, NOW - DAY
WANTED = certificate(VALID)

# What is known, and what is shown of it.
CASES: dict[str, tuple[list[Certificate], Certificate | None]] = {
    "nothing": ([], None),
    "one": ([WANTED], WANTED),
    "for other names": ([certificate(VALID, names=("vote.example.org",))], None),
    "for more names": (
        [certificate(VALID, names=(*NAMES, "www.example.org"))],
        certificate(VALID, names=(*NAMES, "www.example.org")),
    ),
    "the newest": ([WANTED, certificate(LATER), certificate(ENDED)], certificate(LATER)),
    "the newest, even if an older one lives longer": (
        [certificate(LATER, since=NOW - DAY), certificate(VALID, since=NOW)],
        certificate(VALID, since=NOW),
    ),
    "the wanted authority's": ([certificate(LATER, "local"), WANTED], WANTED),
    "another authority's valid one rather than one that has ended": (
        [certificate(ENDED), certificate(LATER, "local")],
        certificate(LATER, "local"),
    ),
    "one that has ended rather than none": ([certificate(ENDED)], certificate(ENDED)),
    "one that has just ended": ([certificate(NOW), certificate(VALID, "local")], certificate(VALID, "local")),
    "of those that have ended the wanted authority's": (
        [certificate(ENDED, "local"), certificate(ENDED - DAY)],
        certificate(ENDED - DAY),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_best_is_shown(case: str) -> None:
    known, shown = CASES[case]
    assert best(known, "acme", NAMES, NOW) == shown
    assert best(reversed(known), "acme", NAMES, NOW) == shown


def test_a_chain_says_whose_it_is_and_how_long() -> None:
    authority, trusted = local_authority(timedelta(hours=1))
    key = keys.make()
    leaf = authority.sign(("vote.example.org", "result.example.org"), keys.load(key))
    found = read("acme", leaf + trusted, key)
    assert (found.authority, found.names) == ("acme", NAMES)
    assert found.not_after - found.not_before == timedelta(hours=1, minutes=5)
    assert (found.chain, found.key) == (leaf + trusted, key)


def test_a_key_is_not_shown() -> None:
    authority, _ = local_authority()
    found = authority.provisional(NAMES)
    assert "BEGIN" not in repr(found)
    assert found.key.startswith("-----BEGIN PRIVATE KEY-----")


NO_CHAINS = {
    "nothing": "",
    "a page": "<html>",
    "no content": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    "for no name": local_authority()[1],
}


@pytest.mark.parametrize("case", NO_CHAINS)
def test_what_is_no_chain_is_refused(case: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read("acme", NO_CHAINS[case], "key")
