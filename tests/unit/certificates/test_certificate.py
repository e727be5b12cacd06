from __future__ import annotations

from datetime import timedelta

import pytest

from certificates.authority import keys
from certificates.plan.certificate import Certificate, choose, read
from unit.certificates.made import DAY, NAMES, NOW, certificate, local_authority

RESULT, VOTE = NAMES
MINUTE = timedelta(minutes=1)
VALID, LATER, ENDED = NOW + DAY, NOW + 80 * DAY, NOW - DAY
WANTED = certificate(VALID)
FOR_VOTE = certificate(VALID, names=(VOTE,))
FOR_MORE = certificate(VALID, names=(*NAMES, "www.example.org"))

# What is known, and what is shown of it: for every name, or for each that has any.
CASES: dict[str, tuple[list[Certificate], Certificate | dict[str, Certificate]]] = {
    "nothing": ([], {}),
    "one": ([WANTED], WANTED),
    "for another name": ([certificate(VALID, names=("www.example.org",))], {}),
    "for more names": ([FOR_MORE], FOR_MORE),
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
    "one that begins later, by a clock that is ahead, only where there is no other": (
        [certificate(LATER, since=NOW + MINUTE), WANTED],
        WANTED,
    ),
    "one that begins later rather than none": (
        [certificate(LATER, since=NOW + MINUTE)],
        certificate(LATER, since=NOW + MINUTE),
    ),
    "one that begins now": ([WANTED, certificate(LATER, since=NOW)], certificate(LATER, since=NOW)),
    "for one name": ([FOR_VOTE], {VOTE: FOR_VOTE}),
    "one for each name": (
        [FOR_VOTE, certificate(LATER, names=(RESULT,))],
        {RESULT: certificate(LATER, names=(RESULT,)), VOTE: FOR_VOTE},
    ),
    "for one name a newer one": (
        [WANTED, certificate(LATER, names=(VOTE,))],
        {RESULT: WANTED, VOTE: certificate(LATER, names=(VOTE,))},
    ),
    "for one name a valid one, and for all one that has ended": (
        [certificate(ENDED), FOR_VOTE],
        {RESULT: certificate(ENDED), VOTE: FOR_VOTE},
    ),
    "for one name the wanted authority's": (
        [certificate(LATER, "local"), FOR_VOTE],
        {RESULT: certificate(LATER, "local"), VOTE: FOR_VOTE},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_best_is_shown_for_each_name(case: str) -> None:
    known, shown = CASES[case]
    expected = dict.fromkeys(NAMES, shown) if isinstance(shown, Certificate) else shown
    assert choose(known, "acme", NAMES, NOW) == expected
    assert choose(reversed(known), "acme", NAMES, NOW) == expected


def test_a_chain_says_whose_it_is_and_how_long() -> None:
    authority, trusted = local_authority(timedelta(hours=1))
    key = keys.make()
    leaf = authority.sign(("vote.example.org", "result.example.org"), keys.load(key))
    found = read("acme", leaf + trusted, key)
    assert (found.authority, found.names) == ("acme", NAMES)
    assert found.not_after - found.not_before == timedelta(hours=1, minutes=6)
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
