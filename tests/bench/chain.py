"""Everything from the voter to the viewer, one replica of each, and people who vote all the while."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import requests
import urllib3

from bench import open_loop, stack
from bench.beside import beside, due
from bench.closed_loop import RefusedError
from bench.footprint import MEBIBYTE
from bench.open_loop import Place
from bench.part import PORT
from kit import edge
from kit.containers import docker
from kit.postgres_cluster import PostgresCluster
from kit.redis_cluster import RedisCluster

VOTES_PER_SECOND = 500
ENOUGH = 0.95
LONGEST_SECONDS = 3600.0

# More than the part of the replication stream that each Redis keeps (`repl-backlog-size`): 64 MiB.
REPLICATED_MEBIBYTES = 66

ARRIVE = "INSERT INTO votes SELECT gen_random_uuid(), 'a', 1 FROM generate_series(1, %s)"

Act = Callable[[], float]


@dataclass(frozen=True)
class Chain:
    """The running parts; `replica` is the container of `result`."""

    postgres: PostgresCluster
    edge: Place
    result: Place
    cookies: Sequence[str]
    network: str
    replica: str
    containers: Sequence[str]

    @contextmanager
    def load(self) -> Iterator[None]:
        """Let 500 people a second go from the first option to the third or back, until the block ends."""
        with beside(self._vote):
            yield

    @contextmanager
    def arrivals(self) -> Iterator[None]:
        """Let as many votes reach the database by themselves, until the block ends."""
        with beside(self._store):
            yield

    def _vote(self, ending: threading.Event) -> None:
        requests = open_loop.requests_of(self.cookies)
        waits = open_loop.run(self.edge, requests, VOTES_PER_SECOND, LONGEST_SECONDS, ending)
        if waits.per_second < ENOUGH * VOTES_PER_SECOND:
            raise RefusedError(f"only {waits.per_second:.0f} votes a second were answered")

    def _store(self, ending: threading.Event) -> None:
        with self.postgres.connect("worker", self.postgres.primary_name()) as connection:
            for numbers in due(VOTES_PER_SECOND, ending):
                connection.execute(ARRIVE, (len(numbers),))

    def commit(self) -> Act:
        """Return what commits one new voter's vote for the second option, and says when it was committed."""
        connection = self.postgres.connect("worker", self.postgres.primary_name())

        def act() -> float:
            connection.execute("INSERT INTO votes VALUES (gen_random_uuid(), 'b', 1)")
            return time.monotonic()

        return act

    def click(self) -> Act:
        """Return what posts one new voter's vote for the second option, and says when that began."""
        url = f"https://{self.edge.address}:{self.edge.port}/"
        # The certificate is of a name; here the address has to do.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

        def act() -> float:
            began = time.monotonic()
            answer = requests.post(
                url, {"vote": "b"}, headers={"Host": edge.HOSTS[0]}, verify=False, timeout=15
            )
            answer.raise_for_status()
            return began

        return act


@contextmanager
def chain(voters: int = stack.COOKIES) -> Iterator[Chain]:
    """Start the whole chain, with cookies of so many voters."""
    with ExitStack() as open_:
        redis = open_.enter_context(stack.queue())
        _fill_replication_buffers(redis)
        postgres = open_.enter_context(stack.database())
        open_.enter_context(stack.worker(redis, postgres))
        vote = open_.enter_context(stack.vote(redis))
        result = open_.enter_context(stack.result(postgres))
        network = open_.enter_context(stack.network_with(vote=vote, result=result))
        folder = Path(open_.enter_context(TemporaryDirectory()))
        front = open_.enter_context(edge.running_edge(network, folder))
        trust = ssl.create_default_context(cadata=(folder / "authority").read_text())
        yield Chain(
            postgres=postgres,
            edge=Place(front, edge.PORT, trust),
            result=Place(result.address, PORT),
            cookies=stack.cookies(vote, voters),
            network=network,
            replica=result.container,
            containers=_members(network, redis.prefix, postgres.prefix),
        )


def _fill_replication_buffers(redis: RedisCluster) -> None:
    """Let each Redis keep as much of the replication stream as it ever will, as after a while of votes."""
    primary = redis.recover(30)
    with redis.client(primary, "vote") as vote, redis.client(primary, "worker") as worker:
        filler = {"filler": b"." * (MEBIBYTE // 2)}
        for _ in range(2 * REPLICATED_MEBIBYTES):
            worker.xdel("votes", str(vote.xadd("votes", filler)))


def _members(*networks: str) -> list[str]:
    """Return the containers that run in any of these networks."""
    found = {each for name in networks for each in docker("ps", "-q", "--filter", f"network={name}").split()}
    return sorted(found)
