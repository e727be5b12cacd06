"""Everything that holds data stopped at once, and started in some order; the whole lab off and on."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

from kit.waiting import wait_until
from swarm.cluster import Cluster
from swarm.faults.fault import Fault, Scene, Strike
from swarm.faults.victims import POSTGRES, REDIS, SENTINELS, Victim, postgres_primary, redis_primary
from swarm.lab.lab import Node
from swarm.outcome import Limits

DATA = (*REDIS, *SENTINELS, *POSTGRES)
CI = "cold start 3-1-2"
STEP_SECONDS = 5
START_SECONDS = 60
OFF_SECONDS = 5
# While nothing runs that could hold a vote, every vote is refused.
DOWN = Limits(unavailable_s=None, stale_s=None, refused=None, refused_at_edge=None)

Order = Callable[[Cluster], list[tuple[str, ...]]]


def slot(number: int) -> tuple[str, ...]:
    """Return the data services that one node carries."""
    return (f"redis-{number}", f"sentinel-{number}", f"postgres-{number}")


def by_slots(numbers: Iterable[int]) -> Order:
    """Return the order that starts node after node."""
    steps = [slot(number) for number in numbers]
    return lambda _: steps


def last(victim: Victim) -> Order:
    """Return the order in which the node of the present primary is started last."""

    def order(cluster: Cluster) -> list[tuple[str, ...]]:
        late = int(victim(cluster).service.rpartition("-")[2])
        return [slot(number) for number in (1, 2, 3) if number != late] + [slot(late)]

    return order


def stop(scene: Scene) -> None:
    """Stop all data services at once; at the end all of them are wanted again."""
    scene.heals.callback(lambda: scene.cluster.scale(DATA, 1))
    scene.note("stop all data services")
    with ThreadPoolExecutor(len(DATA)) as pool:
        list(pool.map(lambda service: scene.cluster.scale([service], 0), DATA))
    scene.cluster.wait_stopped(DATA)


def start(cluster: Cluster, services: tuple[str, ...]) -> None:
    """Start services and wait until their containers run, healthy or not."""
    cluster.scale(services, 1)
    wait_until(
        lambda: all(map(cluster.containers, services)),
        START_SECONDS,
        lambda: f"some of {services} do not run",
    )


def cold_start(order: Order) -> Strike:
    """Return a strike that stops all data services and starts them step by step."""

    def strike(scene: Scene) -> None:
        steps = order(scene.cluster)
        stop(scene)
        for services in steps:
            scene.note(f"start {', '.join(services)}")
            start(scene.cluster, services)
            if services != steps[-1]:
                scene.last(STEP_SECONDS)

    return strike


def without(victim: Victim) -> Strike:
    """Return a strike after which the former primary's node does not come back while anyone waits.

    It does when all has been seen that there is to see without it: the next fault needs it.
    """

    def strike(scene: Scene) -> None:
        node = victim(scene.cluster).node
        scene.blame(node)
        scene.heal(f"start {node.name}", node.start)
        stop(scene)
        scene.note(f"kill {node.name}, start the others")
        node.kill()
        wait_until(lambda: _commanded(scene.cluster), START_SECONDS, scene.cluster.describe)
        scene.cluster.scale(DATA, 1)
        scene.wait_served()
        wait_until(lambda: _missed(scene.cluster, node), START_SECONDS, scene.cluster.describe)

    return strike


def _missed(cluster: Cluster, node: Node) -> bool:
    return any(node.name in part for part in cluster.status()["missing"])


def _commanded(cluster: Cluster) -> bool:
    return any(node.commands() for node in cluster.lab.nodes)


def switch_off(scene: Scene) -> None:
    """Take the power from every node at once, and switch all on again."""
    nodes = scene.cluster.lab.nodes
    scene.blame(*nodes)
    scene.note("kill every node")
    with ThreadPoolExecutor(len(nodes)) as pool:
        list(pool.map(lambda node: node.kill(), nodes))
        scene.last(OFF_SECONDS)
        scene.note("start every node")
        list(pool.map(lambda node: node.start(), nodes))


def _named(name: str, order: Order) -> Fault:
    return Fault(name, cold_start(order), DOWN, ci=name == CI)


FAULTS = [
    *(
        _named(f"cold start {'-'.join(map(str, numbers))}", by_slots(numbers))
        for numbers in permutations((1, 2, 3))
    ),
    _named("cold start, Redis, then Sentinels, then PostgreSQL", lambda _: [REDIS, SENTINELS, POSTGRES]),
    _named("cold start, PostgreSQL, then Sentinels, then Redis", lambda _: [POSTGRES, SENTINELS, REDIS]),
    _named("cold start, node of the redis primary last", last(redis_primary)),
    _named("cold start, node of the postgres primary last", last(postgres_primary)),
    Fault("cold start, node of the redis primary gone for good", without(redis_primary), DOWN),
    Fault("cold start, node of the postgres primary gone for good", without(postgres_primary), DOWN),
    Fault("whole lab switched off and on", switch_off, DOWN),
]
