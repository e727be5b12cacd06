"""How fast votes get from the queue into the database, beside an upsert by hand straight to the primary."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from bench import stack
from bench.ballots import TOGETHER, Accounts, ballots, batches, enqueue
from bench.figure import Figure, Target, compared
from bench.part import Part
from bench.run import Run
from kit.postgres_cluster import PostgresCluster
from kit.redis_cluster import RedisCluster
from kit.waiting import wait_until
from vote.ballot import Ballot
from worker import ballot
from worker.store import SAVE, columns
from worker.stream import ENTRIES

VOTES = 200_000
DRAINED_SECONDS = 120
SCHEMA_SECONDS = 30
LOOK_SECONDS = 0.01
VOTES_PER_COMMIT = ENTRIES * TOGETHER
ONE = Target(at_least=0.8)
TWO = Target(at_least=1.3)
ACCOUNTED = Target(at_least=0.95)


@dataclass(frozen=True)
class Store:
    """Both clusters, and the votes that each measurement stores."""

    redis: RedisCluster
    postgres: PostgresCluster
    votes: Sequence[Ballot]

    def empty(self) -> None:
        """Forget every vote, and let no checkpoint of one measurement fall into the next."""
        with self.primary("worker") as connection:
            connection.execute("TRUNCATE votes")
        with self.primary("repmgr", dbname="repmgr") as connection:
            connection.execute("CHECKPOINT")

    def by_hand(self) -> float:
        """Return the votes per second of the worker's own statement, batch for batch."""
        with self.primary("worker") as connection:
            connection.execute("SET synchronous_commit = on")
            began = time.monotonic()
            for batch in batches(self.votes, VOTES_PER_COMMIT):
                connection.execute(SAVE, parameters(batch))
            return len(self.votes) / (time.monotonic() - began)

    def by_workers(self, workers: Sequence[Part], accounts: Accounts | None = None) -> float:
        """Return the votes per second with which workers empty a queue that filled while they stood still."""
        self.queue_up(workers, accounts)
        return self.drain(workers)

    def queue_up(self, workers: Sequence[Part], accounts: Accounts | None = None) -> None:
        """Fill the queue while workers stand still, with votes that have numbers if there are accounts."""
        for worker in workers:
            worker.pause()
        with self.queue("vote") as queue:
            enqueue(queue, self.votes, accounts=accounts)

    def drain(self, workers: Sequence[Part]) -> float:
        """Let workers go on; return the votes per second until the queue is empty."""
        with self.queue("worker") as queue:
            began = time.monotonic()
            for worker in workers:
                worker.go_on()
            wait_until_empty(queue)
            return len(self.votes) / (time.monotonic() - began)

    def queue(self, account: str) -> Any:
        """Connect to the primary of the queue."""
        return self.redis.client(self.redis.recover(30), account)

    def primary(self, role: str, dbname: str = "votes") -> Any:
        """Connect to the primary of the database cluster itself."""
        return self.postgres.connect(role, self.postgres.primary_name(), dbname)


def parameters(votes: Sequence[Ballot]) -> list[object]:
    """Return what a worker's statement is given for votes of the first poll that have no numbers."""
    newest = ballot.newest_of_each(ballot.Ballot(*vote[:3]) for vote in votes)
    return [*columns(newest, 3), 1, *columns((), 5)]


def wait_until_empty(queue: Any) -> None:
    """Return when every vote of the queue is settled."""
    limit = time.monotonic() + DRAINED_SECONDS
    while queue.xlen("votes"):
        if time.monotonic() > limit:
            raise TimeoutError(f"the queue still holds {queue.xlen('votes')} votes")
        time.sleep(LOOK_SECONDS)


@contextmanager
def store(workers: int) -> Iterator[tuple[Store, list[Part]]]:
    """Start both clusters and so many workers."""
    with ExitStack() as open_:
        redis = open_.enter_context(stack.queue())
        postgres = open_.enter_context(stack.database())
        started = [open_.enter_context(stack.worker(redis, postgres)) for _ in range(workers)]
        wait_until(lambda: _has_schema(postgres), SCHEMA_SECONDS)
        yield Store(redis, postgres, ballots(VOTES)), started


def measure(run: Run) -> Iterator[Figure]:
    """Measure one worker beside the statement by hand, with accounts and without, and two beside one."""
    with store(workers=2) as (votes, (first, second)):
        hand, one, accounted, two = [], [], [], []
        second.pause()
        for _ in run.rounds(f"{VOTES:,} votes by hand, by one worker, by one that keeps accounts, by two"):
            votes.empty()
            hand.append(votes.by_hand())
            votes.empty()
            one.append(votes.by_workers([first]))
            votes.empty()
            accounted.append(votes.by_workers([first], Accounts()))
            votes.empty()
            second.go_on()
            two.append(votes.by_workers([first, second]))
            second.pause()
        by_hand = "the statement by hand on the primary"
        yield compared("votes stored by one worker", "votes/s", one, by_hand, hand, ONE)
        keeping = "votes stored by one worker that keeps accounts"
        yield compared(keeping, "votes/s", accounted, "one without accounts", one, ACCOUNTED)
        yield compared("votes stored by two workers", "votes/s", two, "one worker", one, TWO)


def _has_schema(postgres: PostgresCluster) -> bool:
    with postgres.connect("worker") as connection:
        return bool(connection.execute("SELECT to_regclass('pulse') IS NOT NULL").fetchone()[0])
