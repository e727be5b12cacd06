"""A producer that appends votes through the proxies, and judges what became of them."""

import itertools
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import redis

from kit.redis_cluster import PROXIES, RedisCluster
from kit.waiting import wait_until


def append(client: Any, voter: str, version: int) -> str:
    """Put a vote into the queue as `vote` does, and return the entry's id."""
    return str(client.execute_command("VOTES.APPEND", "votes", "id", voter, "vote", "a", "version", version))


@dataclass
class Producer:
    """Append votes through the proxies, each again until one replica confirmed it."""

    cluster: RedisCluster
    acknowledged: set[str] = field(default_factory=set)
    silence: float = 0.0

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._produce)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _produce(self) -> None:
        proxies = itertools.cycle(PROXIES)
        client: redis.Redis | None = None
        last = time.monotonic()
        for number in itertools.count():
            vote = str(number)
            while vote not in self.acknowledged:
                if self._stop.is_set():
                    return
                try:
                    client = client or self.cluster.client(next(proxies), "ballot")
                    append(client, vote, number)
                    if client.wait(1, 1000) >= 1:
                        self.acknowledged.add(vote)
                        continue
                except (redis.RedisError, LookupError):
                    pass
                client = None
                time.sleep(0.1)
            self.silence = max(self.silence, time.monotonic() - last)
            last = time.monotonic()
            time.sleep(0.005)

    def wait_for_more(self, votes: int) -> None:
        """Return when so many more votes are acknowledged."""
        enough = len(self.acknowledged) + votes
        wait_until(lambda: len(self.acknowledged) >= enough, 60, lambda: "too few votes")

    def lost(self, name: str) -> set[str]:
        """The acknowledged votes that a Redis does not hold."""
        return self.acknowledged - self.cluster.queued(name)
