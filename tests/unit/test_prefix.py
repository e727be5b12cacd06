"""One table of what proxies can say of a prefix, through both pages."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from result.prefix import prefix_of as shown
from vote.prefix import LONGEST
from vote.prefix import prefix_of as voted

TOLD = {
    "": "",
    "/": "",
    "/vote": "/vote",
    "/vote/": "/vote",
    "/a/b": "/a/b",
    "/polls,/vote": "/polls/vote",
    "/polls/, /vote": "/polls/vote",
    "/,/vote": "/vote",
    "/a,/b,/vote": "/a/b/vote",
    "/~somebody/poll-1.0_final": "/~somebody/poll-1.0_final",
    "/...": "/...",
    f"/{'a' * (LONGEST - 1)}": f"/{'a' * (LONGEST - 1)}",
}
MALFORMED = (
    "polls", "polls,/vote", "https://evil.example", "//evil.example", "/polls//vote", "/\\evil.example",
    "/..", "/../vote", "/polls/..", "/./vote", "/polls/.,/vote",
    "/polls vote", "/polls\r\nSet-Cookie: x=y", "/polls\n", "/polls;Domain=example", "/polls?x", "/polls#x",
    '/"><script>', "/<b>", "/{{x}}", "/%2e%2e", "/caf%C3%A9", "/café", "/\x00", f"/{'a' * LONGEST}",
)  # fmt: skip


@pytest.mark.parametrize("told", TOLD)
@pytest.mark.parametrize("read", [voted, shown])
def test_what_was_taken_off_is_joined_the_outermost_first(read: Callable[..., str], told: str) -> None:
    assert read({"HTTP_X_FORWARDED_PREFIX": told}) == TOLD[told]


@pytest.mark.parametrize("told", MALFORMED)
@pytest.mark.parametrize("read", [voted, shown])
def test_what_is_no_path_is_none(read: Callable[..., str], told: str) -> None:
    assert read({"HTTP_X_FORWARDED_PREFIX": told}) == ""
    assert read({"HTTP_X_FORWARDED_PREFIX": f"{told},/vote"}) == ""


@pytest.mark.parametrize("read", [voted, shown])
def test_without_a_proxy_there_is_none(read: Callable[..., str]) -> None:
    assert read({}) == ""
