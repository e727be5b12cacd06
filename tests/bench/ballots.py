"""Votes that nobody cast, to fill a queue or a table with: half of them from voters who return."""

import itertools
import random
from collections.abc import Iterator, Sequence
from secrets import token_hex
from typing import Any

from redis import Redis

from vote.ballot import Ballot, Numbers, entries

SEED = 1
PIPELINE = 2000
# Fewer than `voting` finds to share an entry, so that nothing looks faster than it is.
TOGETHER = 8


def ballots(count: int) -> list[Ballot]:
    """Return votes; every second vote is of someone who voted before."""
    chance = random.Random(SEED)
    voters: list[str] = []
    votes = []
    for version in range(1, count + 1):
        if version % 2 or not voters:
            voters.append(f"{chance.getrandbits(128):032x}")
            voter = voters[-1]
        else:
            voter = chance.choice(voters)
        votes.append(Ballot(voter, chance.choice("ab"), version))
    return votes


class Accounts:
    """Gives numbers to votes as two processes of `vote` do that take them in turn."""

    def __init__(self) -> None:
        self._next = {f"bench-{token_hex(4)}": 1 for _ in range(2)}
        self._turn = itertools.cycle(self._next)

    def take(self, count: int) -> Numbers:
        """Return the numbers of so many votes."""
        process = next(self._turn)
        self._next[process] += count
        return Numbers(process, self._next[process] - count)


def enqueue(
    client: Redis, votes: Sequence[Ballot], together: int = TOGETHER, accounts: Accounts | None = None
) -> None:
    """Append votes to the stream as `vote` does when so many come together, with numbers if need be."""
    pipes: Any = client
    for batch in batches(votes, PIPELINE):
        with pipes.pipeline(transaction=False) as pipeline:
            for share in batches(batch, together):
                append(pipeline, share, accounts.take(len(share)) if accounts else None)
            pipeline.execute()


def append(pipeline: Any, votes: Sequence[Ballot], numbers: Numbers | None = None) -> None:
    """Add votes that came together to a pipeline."""
    for entry in entries(votes, numbers):
        pipeline.execute_command("XADD", "votes", "*", *entry)


def forget(client: Any) -> None:
    """Remove every vote from the stream."""
    while found := client.xrange("votes", count=PIPELINE):
        client.xdel("votes", *(entry_id for entry_id, _ in found))


def batches(votes: Sequence[Ballot], size: int) -> Iterator[list[Ballot]]:
    """Split votes in parts of a size."""
    rest = iter(votes)
    while batch := list(itertools.islice(rest, size)):
        yield batch
