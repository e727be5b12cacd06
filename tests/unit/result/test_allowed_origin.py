"""Another site's script may not listen; our own page and plain clients may."""

import pytest

from result.allowed_origin import is_allowed


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, True),
        ("https://result.localhost", True),
        ("http://result.localhost", True),
        ("https://result.localhost:8443", False),
        ("https://elsewhere.example", False),
        ("null", False),
        ("https://[x", False),
    ],
)
def test_origin(origin: str | None, allowed: bool) -> None:
    assert is_allowed(origin, {"HTTP_HOST": "result.localhost", "wsgi.url_scheme": "wss"}) is allowed
