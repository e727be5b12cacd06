"""The cookie, as every release has written it."""

from __future__ import annotations

import pytest

from vote.voter import Voter, VoterCookie

ZEROS = "0" * 32
SEEN = f"{ZEROS}.1795307076736.96Qx2cBDG174Nnqj59FkI6mBsVcXIpgSAPARNJezdos"
CHOSEN = f"{ZEROS}.1795307076736.a.9Fc91EFHK9QpkvEfrLgkM97TxuXdq5L5H6IgSM04QYE"
LATER = f"{ZEROS}.1795307076736.a.more.gE3wuuf6n5ykBYyRM_OcPMlt-EKSxsJM7DXwbWIijAY"
NEW = f"{ZEROS}.K1VtvYGBhzCMRqAj4kvaZpamnPL0KodLiprggilNr54"
COOKIE = VoterCookie("hush")


@pytest.mark.parametrize(
    ("header", "voter"),
    [
        (f"voter_id={SEEN}", Voter(ZEROS, 1795307076736)),
        (f"voter_id={CHOSEN}", Voter(ZEROS, 1795307076736, "a")),
        (f"voter_id={LATER}", Voter(ZEROS, 1795307076736, "a")),
        (f"voter_id={NEW}", Voter(ZEROS)),
        (f"x=1; voter_id={NEW}; y=2", Voter(ZEROS)),
        (f"voter_id={NEW}; voter_id={SEEN}", Voter(ZEROS)),
        (f"not_voter_id={NEW}", None),
        (f"voter_id={NEW[:-1]}x", None),
        (f"voter_id={ZEROS}", None),
        ("voter_id=", None),
        ("", None),
    ],
)
def test_a_cookie_of_any_release_is_read(header: str, voter: Voter | None) -> None:
    assert COOKIE.read({"HTTP_COOKIE": header}) == voter


@pytest.mark.parametrize(
    ("voter", "value"), [(Voter(ZEROS, 1795307076736, "a"), CHOSEN), (Voter(ZEROS), NEW)]
)
def test_a_cookie_is_written_as_it_is_read(voter: Voter, value: str) -> None:
    name, header = COOKIE.header(voter, {})
    assert (name, header.partition(";")[0]) == ("Set-Cookie", f"voter_id={value}")


def test_a_cookie_that_is_not_ours_always_means_the_same_new_voter() -> None:
    found = COOKIE.new({"HTTP_COOKIE": "voter_id=of-another-key.x"})
    assert found == Voter("6a415935614f43615057344b6d494f36")
