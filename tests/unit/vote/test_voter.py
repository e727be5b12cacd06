"""The cookie, as every release has written it."""

from __future__ import annotations

from base64 import urlsafe_b64decode

import pytest

from vote.voter import Voter, VoterCookie

ZEROS = "0" * 32
SEEN = f"{ZEROS}.1795307076736.96Qx2cBDG174Nnqj59FkI6mBsVcXIpgSAPARNJezdos"
NEW = f"{ZEROS}.K1VtvYGBhzCMRqAj4kvaZpamnPL0KodLiprggilNr54"
COOKIE = VoterCookie("hush")
LATER = COOKIE.headers(Voter(ZEROS, 1795307076736, poll=12), {})[0][1].partition(";")[0].partition("=")[2]


def test_a_cookie_of_the_former_key_is_read_and_the_next_has_the_new_one() -> None:
    voter, given = Voter(ZEROS, 1795307076736), {"HTTP_COOKIE": f"voter_id={SEEN}"}
    for both in (VoterCookie("new", "hush"), VoterCookie("hush", "new")):
        assert both.read(given) == voter
    assert VoterCookie("new").read(given) is None
    signed = VoterCookie("new", "hush").headers(voter, {})[0][1].partition(";")[0]
    assert VoterCookie("new").read({"HTTP_COOKIE": signed}) == voter
    assert COOKIE.read({"HTTP_COOKIE": signed}) is None


@pytest.mark.parametrize(
    ("header", "voter"),
    [
        (f"voter_id={SEEN}", Voter(ZEROS, 1795307076736)),
        (f"voter_id={SEEN}; voted=a.1795307076736", Voter(ZEROS, 1795307076736, "a")),
        (f"voted=b.1795307076736; voter_id={SEEN}", Voter(ZEROS, 1795307076736, "b")),
        (f"voter_id={SEEN}; voted=a.1795307076735", Voter(ZEROS, 1795307076736)),
        (f"voter_id={SEEN}; voted=a", Voter(ZEROS, 1795307076736)),
        (f"voter_id={NEW}; voted=a.0", Voter(ZEROS)),
        (f"voter_id={NEW}", Voter(ZEROS)),
        (f"x=1; voter_id={NEW}; y=2", Voter(ZEROS)),
        (f"voter_id={NEW}; voter_id={SEEN}", Voter(ZEROS)),
        (f"voter_id={LATER}; voted=a.1795307076736", Voter(ZEROS, 1795307076736, "a", 12)),
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
    ("voter", "values"),
    [
        (Voter(ZEROS, 1795307076736, "a"), [f"voter_id={SEEN}", "voted=a.1795307076736"]),
        (Voter(ZEROS, 1795307076736), [f"voter_id={SEEN}"]),
        (Voter(ZEROS), [f"voter_id={NEW}"]),
        (Voter(ZEROS, poll=12), [f"voter_id={NEW}"]),
        (Voter(ZEROS, 1795307076736, poll=12), [f"voter_id={LATER}"]),
    ],
)
def test_cookies_are_written_as_by_any_release(voter: Voter, values: list[str]) -> None:
    headers = COOKIE.headers(voter, {})
    assert {name for name, _ in headers} == {"Set-Cookie"}
    assert [header.partition(";")[0] for _, header in headers] == values


@pytest.mark.parametrize(
    ("told", "path"),
    [
        ("", "/"),
        ("/vote", "/vote"),
        ("/polls,/vote", "/polls/vote"),
        ("/polls/", "/polls"),
        ("/polls;Domain=example", "/"),
        ("/polls\r\nX: y", "/"),
    ],
)
def test_cookies_are_for_the_path_that_visitors_have_in_front(told: str, path: str) -> None:
    """Without a slash at its end: so they come back from /vote as well."""
    headers = COOKIE.headers(Voter(ZEROS, 1795307076736, "a"), {"HTTP_X_FORWARDED_PREFIX": told})
    for _, header in headers:
        _, *attributes = header.split("; ")
        assert sorted(attributes) == ["HttpOnly", "Max-Age=31536000", f"Path={path}", "SameSite=Lax"]


def test_a_cookie_that_is_not_ours_always_means_the_same_new_voter() -> None:
    found = COOKIE.new({"HTTP_COOKIE": "voter_id=of-another-key.x"})
    assert found == Voter("2f559eb73dc46446dc3b45e30a98420e")


@pytest.mark.parametrize("text", ["0" * 32, f"{ZEROS}.1795307076736", "x"])
def test_the_id_of_a_new_voter_tells_nothing_of_a_signature(text: str) -> None:
    """Whoever sends an id in the cookie's place must not learn what would make it valid."""
    signature = COOKIE.headers(Voter(text), {})[0][1].partition(";")[0].rpartition(".")[2]
    padded = urlsafe_b64decode(signature + "=")
    told = COOKIE.new({"HTTP_COOKIE": f"voter_id={text}"}).id
    for part in (signature.encode(), padded):
        assert told[:8] not in part.hex()
