from __future__ import annotations

import pytest

from vote.cross_site import is_cross_site


@pytest.mark.parametrize(
    ("fetch_site", "origin", "host", "refused"),
    [
        (None, None, "vote.example", False),
        ("same-origin", "https://vote.example", "vote.example", False),
        ("none", None, "vote.example", False),
        (None, "https://VOTE.example", "vote.example", False),
        (None, "https://vote.example:8443", "vote.example:8443", False),
        (None, "https://vote.example", "vote.example:443", False),
        ("cross-site", None, "vote.example", True),
        ("Cross-Site", None, "vote.example", True),
        (None, "https://evil.example", "vote.example", True),
        ("same-site", "https://other.example", "vote.example", True),
        (None, "null", "vote.example", True),
        (None, "https://[x", "vote.example", True),
        (None, "", "vote.example", True),
        (None, "https://vote.example:8443", "vote.example", True),
    ],
)
def test_cross_site(fetch_site: str | None, origin: str | None, host: str, refused: bool) -> None:
    assert is_cross_site(fetch_site, origin, host) is refused
