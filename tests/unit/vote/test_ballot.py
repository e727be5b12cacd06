from __future__ import annotations

import pytest

from vote.ballot import Ballot, VersionClock


@pytest.mark.parametrize(
    ("clock", "versions"),
    [
        ([5, 6, 9], [5, 6, 9]),
        ([5, 5, 5], [5, 6, 7]),
        ([9, 3, 4], [9, 10, 11]),
        ([5, 5, 20], [5, 6, 20]),
    ],
    ids=["runs", "stands", "falls", "goes on"],
)
def test_versions_always_rise(clock: list[int], versions: list[int]) -> None:
    times = iter(clock)
    source = VersionClock(lambda: next(times))
    assert [source.next() for _ in versions] == versions


def test_the_entry_holds_what_the_worker_reads() -> None:
    assert Ballot("v", "a", 7).fields() == ("id", "v", "vote", "a", "version", 7)
