"""One container that hangs: every process stopped, and later going on as if nothing had been."""

from collections.abc import Sequence

from swarm.containers import Container
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


def freeze_together(scene: Scene, containers: Sequence[Container], seconds: float) -> None:
    """Stop several containers for the same time."""
    for container in containers:
        scene.heal(f"thaw {container.service}", container.thaw)
    scene.note(f"freeze {' and '.join(map(str, containers))}")
    for container in containers:
        container.freeze()
    scene.last(seconds)


def freeze_every_vote(scene: Scene) -> None:
    """Stop every replica of `vote`, as a machine that has too much to do."""
    freeze_together(scene, scene.cluster.containers("vote"), 8)


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
    Fault("every vote frozen 8 s", freeze_every_vote, Limits(unavailable_s=12), ci=True),
]
