"""Votes to fill a queue with."""

from bench.ballots import ballots, batches


def test_half_of_the_votes_are_of_voters_who_return() -> None:
    votes = ballots(1000)
    assert len({vote.voter for vote in votes}) == 500
    assert [vote.version for vote in votes] == list(range(1, 1001))
    assert {vote.choice for vote in votes} == {"a", "b"}


def test_the_same_votes_each_time() -> None:
    assert ballots(50) == ballots(50)


def test_batches_hold_every_vote_once_in_order() -> None:
    votes = ballots(7)
    assert [len(batch) for batch in batches(votes, 3)] == [3, 3, 1]
    assert [vote for batch in batches(votes, 3) for vote in batch] == votes
