from __future__ import annotations

import pytest

from result.headers import LONGEST_HEADER, reduce


class RequestDouble:
    def __init__(self, headers: list[tuple[str, str]]) -> None:
        self.headers = headers
        self.ends = False

    def force_close(self) -> None:
        self.ends = True


@pytest.mark.parametrize(
    ("name", "value", "kept", "ends"),
    [
        ("HOST", "result.localhost", True, False),
        ("ACCEPT-LANGUAGE", "fr", True, False),
        ("ACCEPT-LANGUAGE", "f" * (LONGEST_HEADER + 1), False, False),
        ("X-FORWARDED-PREFIX", "/result", True, False),
        ("COOKIE", "result_replica=1", False, False),
        ("CONTENT-LENGTH", "2", True, True),
        ("TRANSFER-ENCODING", "chunked", True, True),
    ],
)
def test_only_headers_that_are_read_are_kept(name: str, value: str, kept: bool, ends: bool) -> None:
    request = RequestDouble([(name, value)])
    reduce(request)
    assert bool(request.headers) == kept
    assert request.ends == ends
