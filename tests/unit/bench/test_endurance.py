"""Which samples are compared."""

import pytest

from bench.endurance import Sample
from bench.figure import thirds


@pytest.mark.parametrize("count", [3, 4, 10, 60])
def test_the_first_and_the_last_third_are_as_long(count: int) -> None:
    samples = [Sample(n, n, n, n, n, n) for n in range(count)]
    first, last = thirds(samples)
    assert len(first) == len(last) == count // 3
    assert (first[0].p50, last[-1].p50) == (0, count - 1)
