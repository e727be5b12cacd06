from __future__ import annotations

import pytest

from vote.ballot import Ballot, VersionClock, version_of


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


@pytest.mark.parametrize(
    ("arrived", "seen", "chosen", "version"),
    [
        (500, 0, None, 500),
        (500, 400, None, 500),
        (500, 400, 450, 450),
        (500, 400, 500, 500),
        (500, 400, 400, 500),
        (500, 400, 300, 500),
        (500, 400, 600, 500),
        (500, 700, None, 701),
        (500, 700, 450, 701),
        (500, 700, 800, 701),
    ],
    ids=[
        "first, by hand", "by hand", "late on its way", "at once", "chosen when the last was recorded",
        "the page's clock was behind", "the page's clock was ahead", "this clock is behind the last one's",
        "and so is the page's", "and the page's is not",
    ],
)  # fmt: skip
def test_the_version_is_when_the_voter_chose_and_after_what_was_seen(
    arrived: int, seen: int, chosen: int | None, version: int
) -> None:
    assert version_of(arrived, seen, chosen) == version
