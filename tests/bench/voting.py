"""What a vote costs: `vote`, which answers when a replica holds it, beside a view that parses its form."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from bench import closed_loop, open_loop, stack
from bench.ballots import forget
from bench.figure import KNOWN, Figure, Target, alone, compared, percentile
from bench.open_loop import Place, Waits
from bench.part import PORT, Part
from bench.plot import Line, Plot
from bench.run import Run
from kit import edge
from kit.redis_cluster import RedisCluster

RATE = Target(at_least=0.85)
LATENCY = Target(at_most=2)
SHARES = (0.1, 0.25, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1)
WARM_UP_SECONDS = 1.0
PAIRS = 3  # for each round of several, since nothing scatters as p99 does
FLOOR = "a view that parses the form"


class Door(NamedTuple):
    """Where votes are sent, and a network from which it is reached."""

    network: str
    url: str


@dataclass(frozen=True)
class Booths:
    """A replica of `vote` and its floor on one network, the queue's primary, and cookies of voters."""

    redis: RedisCluster
    primary: str
    vote: Part
    floor: Part
    cookies: Sequence[str]

    def rates(self, doors: Sequence[Door], run: Run) -> list[tuple[float, ...]]:
        """Measure the votes per second of several places in turn, as often as asked for."""
        for door in doors:
            self._rate(door, WARM_UP_SECONDS)
        return [
            tuple(self._rate(door, run.seconds) for door in doors)
            for _ in run.rounds("votes as fast as they are answered")
        ]

    def _rate(self, door: Door, seconds: float) -> float:
        self._empty()
        return closed_loop.run(door.network, door.url, self.cookies, seconds)

    def waits(self, replica: Part, per_second: float, seconds: float) -> Waits:
        """Offer votes at a rate; raise RefusedError."""
        self._empty()
        requests = open_loop.requests_of(self.cookies)
        return open_loop.run(Place(replica.address, PORT), requests, per_second, seconds)

    def together(self, door: Door, seconds: float) -> float:
        """Return how many votes come to share an entry of the stream when as many as possible come."""
        answered = round(seconds) * self._rate(door, seconds)
        with self._queue() as queue:
            return answered / float(queue.xlen("votes"))

    def _empty(self) -> None:
        """Remove the votes of the last measurement, as a worker would have done."""
        with self._queue() as queue:
            forget(queue)

    def _queue(self) -> Any:
        return self.redis.client(self.primary, "worker")


@contextmanager
def booths() -> Iterator[Booths]:
    """Start both, on a queue at full strength."""
    with ExitStack() as open_:
        redis = open_.enter_context(stack.queue())
        vote = open_.enter_context(stack.vote(redis))
        floor = open_.enter_context(stack.floor(redis.prefix))
        yield Booths(redis, redis.recover(30), vote, floor, stack.cookies(vote))


def measure(run: Run) -> Iterator[Figure | Plot]:
    """Measure the rate, the latency at half of it, and the rate through Traefik."""
    with booths() as both:
        doors = [
            Door(both.redis.prefix, f"http://{replica.address}:{PORT}/")
            for replica in (both.vote, both.floor)
        ]
        rates = both.rates(doors, run)
        votes, floors = zip(*rates, strict=True)
        yield compared("votes accepted by one replica", "votes/s", votes, FLOOR, floors, RATE)
        together = [both.together(doors[0], run.seconds) for _ in run.rounds("votes that share an entry")]
        yield alone("votes that share an entry when one replica is busy", "votes", together, KNOWN)
        yield _latency(both, run, half=median(votes) / 2)
        yield _through_edges(both, run)
        yield _curve(both, run, most=median(votes))


def _latency(both: Booths, run: Run, half: float) -> Figure:
    votes: list[float] = []
    floors: list[float] = []
    sides = [(both.vote, votes), (both.floor, floors)]
    pairs = PAIRS if run.times > 1 else 1
    for _ in run.rounds(f"{half:.0f} votes/s, pairs a round: {pairs}"):
        for _ in range(pairs):
            sides.reverse()
            for replica, p99 in sides:
                p99.append(1000 * percentile(both.waits(replica, half, run.seconds).seconds, 99))
    return compared("p99 of one replica at half its rate", "ms", votes, FLOOR, floors, LATENCY)


def _curve(both: Booths, run: Run, most: float) -> Plot:
    """Offer more and more votes, until more than can be had."""
    answered, halves, lasts = [], [], []
    with run.progress.task("throughput and latency against offered load") as task:
        for share in SHARES:
            offered = share * most
            task.detail(f"{offered:.0f} votes/s")
            waits = both.waits(both.vote, offered, run.seconds)
            answered.append((offered, waits.per_second))
            halves.append((offered, 1000 * percentile(waits.seconds, 50)))
            lasts.append((offered, 1000 * percentile(waits.seconds, 99)))
    return Plot(
        "votes-offered",
        "One replica of vote, each vote on two Redis nodes before its answer",
        "votes offered per second",
        "votes answered per second",
        [Line("answered", answered), Line("p50", halves, right=True), Line("p99", lasts, right=True)],
        right="milliseconds from when a vote was due",
    )


def _through_edges(both: Booths, run: Run) -> Figure:
    """Put one Traefik in front of each: whoever is called `vote` in its network is served."""
    with ExitStack() as open_:
        doors = []
        for replica in (both.vote, both.floor):
            network = open_.enter_context(stack.network_with(vote=replica))
            folder = Path(open_.enter_context(TemporaryDirectory()))
            front = open_.enter_context(edge.running_edge(network, folder))
            doors.append(Door(network, f"https://{front}:{edge.PORT}/"))
        rates = both.rates(doors, run)
    votes, floors = zip(*rates, strict=True)
    return compared(
        "votes accepted by one replica through Traefik, with TLS", "votes/s", votes, FLOOR, floors, RATE
    )
