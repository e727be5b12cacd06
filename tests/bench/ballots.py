"""Votes that nobody cast, to fill a queue or a table with: half of them from voters who return."""

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Any

from redis import Redis

SEED = 1
PIPELINE = 2000


def ballots(count: int) -> list[tuple[str, str, int]]:
    """Return voters, choices and versions; every second vote is of someone who voted before."""
    chance = random.Random(SEED)
    voters: list[str] = []
    votes = []
    for version in range(1, count + 1):
        if version % 2 or not voters:
            voters.append(f"{chance.getrandbits(128):032x}")
            voter = voters[-1]
        else:
            voter = chance.choice(voters)
        votes.append((voter, chance.choice("ab"), version))
    return votes


def enqueue(client: Redis, votes: Sequence[tuple[str, str, int]]) -> None:
    """Append votes to the stream as `vote` does."""
    pipes: Any = client
    for batch in batches(votes, PIPELINE):
        with pipes.pipeline(transaction=False) as pipeline:
            append(pipeline, batch)
            pipeline.execute()


def append(pipeline: Any, votes: Sequence[tuple[str, str, int]]) -> None:
    """Add the entries of votes to a pipeline."""
    for voter, choice, version in votes:
        pipeline.xadd("votes", {"id": voter, "vote": choice, "version": version})


def forget(client: Any) -> None:
    """Remove every vote from the stream."""
    while entries := client.xrange("votes", count=PIPELINE):
        client.xdel("votes", *(entry for entry, _ in entries))


def batches(votes: Sequence[tuple[str, str, int]], size: int) -> Iterator[list[tuple[str, str, int]]]:
    """Split votes in parts of a size."""
    rest = iter(votes)
    while batch := list(itertools.islice(rest, size)):
        yield batch
