from __future__ import annotations

import pytest

from vote.ballot import Ballot
from vote.ledger import Kept
from vote.primary import Identity
from vote.replay import chunks

A = Identity("a", "1")


@pytest.mark.parametrize(
    ("sizes", "parts"),
    [
        ([], []),
        ([1], [[1]]),
        ([2, 2, 2], [[2, 2], [2]]),
        ([1, 9, 1], [[1, 9], [1]]),
        ([4, 4], [[4], [4]]),
    ],
)
def test_what_is_missing_goes_in_parts_of_about_one_size(sizes: list[int], parts: list[list[int]]) -> None:
    missing = [Kept([Ballot("v", "a", 1)] * size, 0, A) for size in sizes]
    assert [[len(kept.ballots) for kept in part] for part in chunks(missing, 4)] == parts
