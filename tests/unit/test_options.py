"""One table of options, through both pages and the program that deploys them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from result import options as result_options
from vote import options as vote_options

CASES = {
    "two": ("Cats,Dogs", True),
    "ten": ("1,2,3,4,5,6,7,8,9,10", True),
    "blanks around": (" Tea , Coffee ", True),
    "sixty characters": (f"{'x' * 60},y", True),
    "right to left": ("חתולים,כלבים", True),
    "emoji": ("🐈,🐕‍🦺", True),
    "one": ("Cats", False),
    "eleven": ("1,2,3,4,5,6,7,8,9,10,11", False),
    "nothing": (",", False),
    "an empty one": ("Cats,,Dogs", False),
    "a blank one": ("Cats, ,Dogs", False),
    "sixty-one characters": (f"{'x' * 61},y", False),
    "twice": ("Cats,Cats", False),
    "twice, but for case": ("Straße,STRASSE", False),
    "twice, but for blanks": ("Cats, Cats", False),
    "line break": ("Ca\nts,Dogs", False),
    "escape": ("Ca\x1bts,Dogs", False),
    "NEL": ("Ca\x85ts,Dogs", False),
    "line separator": ("Ca\u2028ts,Dogs", False),
    "paragraph separator": ("Ca\u2029ts,Dogs", False),
}


def deployed(listed: str) -> None:
    from deployment.configuration.options import complain_of  # noqa: PLC0415

    complain_of([name.strip() for name in listed.split(",")])


def voted(listed: str) -> None:
    vote_options.parse_options(listed, "", "")


def shown(listed: str) -> None:
    result_options.parse_options(listed, "", "")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("take", [voted, shown, deployed])
def test_options_are_taken_or_refused_alike(take: Callable[[str], None], case: str) -> None:
    listed, sound = CASES[case]
    if sound:
        take(listed)
        return
    with pytest.raises(ValueError, match="option"):
        take(listed)
