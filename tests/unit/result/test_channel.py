from __future__ import annotations

import pytest

from result.channel import MOST_BYTES, WINDOW_SECONDS, Allowance


@pytest.mark.parametrize(
    ("received", "covered"),
    [
        ([(MOST_BYTES, 0.0)], True),
        ([(MOST_BYTES + 1, 0.0)], False),
        ([(MOST_BYTES, 0.0), (1, WINDOW_SECONDS / 2)], False),
        ([(MOST_BYTES, 0.0), (MOST_BYTES, WINDOW_SECONDS)], True),
        ([(7, at * WINDOW_SECONDS) for at in range(2 * MOST_BYTES)], True),
    ],
)
def test_what_may_be_received_in_a_while(received: list[tuple[int, float]], covered: bool) -> None:
    allowance = Allowance()
    assert [allowance.covers(size, 1000 + at) for size, at in received][-1] == covered
