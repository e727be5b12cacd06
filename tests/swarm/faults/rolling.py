"""Rolling updates: no request may fail, no viewer may be left alone."""

from collections.abc import Callable

from deployment.engine.swarm import services
from kit.waiting import wait_until
from swarm.cluster import UNREACHABLE, Cluster
from swarm.faults.fault import Fault, Scene, Strike
from swarm.faults.victims import POSTGRES, REDIS, SENTINELS
from swarm.outcome import Limits

UPDATE_SECONDS = 180
DONE, BUSY = "done", "busy"
STATELESS = ("docker-proxy", "vote", "result", "worker", "redis-proxy", "pgpool")
CI = "vote"
STATELESS_LIMITS = Limits(stale_s=10)
LIMITS = Limits(unavailable_s=10)
# An edge that leaves hangs up on who was just let in and not heard yet.
HANGS_UP = 5

Services = Callable[[Cluster], list[str]]


def only(service: str) -> Services:
    """Return one service."""
    return lambda _: [service]


def sentinels(_: Cluster) -> list[str]:
    """Return the Sentinels."""
    return list(SENTINELS)


def redis(cluster: Cluster) -> list[str]:
    """Return the Redis nodes, the primary last."""
    return _primary_last(REDIS, cluster.primary("redis"))


def postgres(cluster: Cluster) -> list[str]:
    """Return the PostgreSQL nodes, the primary last."""
    return _primary_last(POSTGRES, cluster.primary("postgres"))


def every(cluster: Cluster) -> list[str]:
    """Return every service there is, those that hold data last."""
    data = [*sentinels(cluster), *redis(cluster), *postgres(cluster)]
    names = [service["name"] for service in cluster.status()["services"]]
    return [name for name in names if name not in data] + data


def _primary_last(services: tuple[str, ...], primary: str) -> list[str]:
    return [service for service in services if service != primary] + [primary]


def updating(services: Services) -> Strike:
    """Return a strike that replaces every task of services, one service after another."""

    def strike(scene: Scene) -> None:
        for service in services(scene.cluster):
            scene.note(f"update {service}")
            update(scene, service)

    return strike


def update(scene: Scene, service: str) -> None:
    """Let Swarm replace every task of a service, and wait until that is done and all is whole."""
    cluster = scene.cluster
    cluster.service(service).force_update()
    if wait_until(lambda: _end(cluster, service), UPDATE_SECONDS, cluster.describe) == BUSY:
        scene.note(f"update {service} once more")  # as `up` does
        cluster.service(service).force_update()
        wait_until(lambda: _end(cluster, service) == DONE, UPDATE_SECONDS, cluster.describe)
    scene.ended()
    if service in SENTINELS + REDIS + POSTGRES:
        scene.wait_whole()


def _end(cluster: Cluster, service: str) -> str:
    """Say how an update has ended: not at all yet, well, or because an engine was busy with a mount."""
    try:
        state = next((s for s in services.states(cluster.lab.manager) if s.name == service), None)
    except UNREACHABLE:
        return ""
    if state is None:
        return ""
    if state.busy:
        return BUSY
    return DONE if state.running == state.desired and not state.failure else ""


FAULTS = [
    *(
        Fault(f"rolling update of {service}", updating(only(service)), STATELESS_LIMITS, ci=service == CI)
        for service in STATELESS
    ),
    Fault("rolling update of traefik", updating(only("traefik")), Limits(stale_s=10, refused=HANGS_UP)),
    Fault("rolling update of the sentinels", updating(sentinels), LIMITS),
    Fault("rolling update of redis", updating(redis), LIMITS),
    Fault("rolling update of postgres", updating(postgres), LIMITS, ci=True),
    Fault("rolling update of every service", updating(every), Limits(unavailable_s=10, refused=HANGS_UP)),
]
