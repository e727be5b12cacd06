"""One container that hangs: every process stopped, and later going on as if nothing had been."""

from swarm.faults.fault import Fault, Scene, Strike
from swarm.faults.victims import EDGES, VICTIMS, Victim, postgres_standby
from swarm.outcome import Limits

SECONDS = (1, 2, 3, 5, 10, 60)
CI = ("redis primary frozen 2 s", "postgres primary frozen 10 s")
# Beyond this a voter gives up on a request that hangs with its edge.
PATIENCE_SECONDS = 10
HUNG = {"vote": Limits(refused=300), "traefik": Limits(refused_at_edge=100)}


def freezing(victim: Victim, seconds: float, *, edge: bool = False, matching: str = "") -> Strike:
    """Return a strike that stops a container's processes, or those whose command contains a text."""

    def strike(scene: Scene) -> None:
        container = victim(scene.cluster)
        if edge:
            scene.blame(container.node)
        scene.heal("thaw", container.thaw)
        scene.note(f"freeze {matching or 'all'} of {container}")
        container.freeze(matching)
        scene.last(seconds)

    return strike


def freezing_all(service: str, seconds: float) -> Strike:
    """Return a strike that stops every container of a service, as a machine that has too much to do."""

    def strike(scene: Scene) -> None:
        for container in scene.cluster.containers(service):
            scene.heal("thaw", container.thaw)
            scene.note(f"freeze {container}")
            container.freeze()
        scene.last(seconds)

    return strike


def limits(name: str, seconds: float) -> Limits:
    """Return what a freeze may cost."""
    if name == "redis primary":
        return Limits(unavailable_s=10)
    return HUNG.get(name, Limits()) if seconds > PATIENCE_SECONDS else Limits()


def _fault(name: str, victim: Victim, seconds: int, matching: str = "") -> Fault:
    full = f"{name} frozen {seconds} s"
    strike = freezing(victim, seconds, edge=name in EDGES, matching=matching)
    return Fault(full, strike, limits(name, seconds), ci=full in CI)


FAULTS = [
    *(_fault(name, victim, seconds) for name, victim in VICTIMS.items() for seconds in SECONDS),
    *(_fault("repmgrd", postgres_standby, seconds, "repmgrd") for seconds in SECONDS),
    Fault("every vote frozen 8 s", freezing_all("vote", 8), Limits(unavailable_s=12), ci=True),
]
