"""One container killed, as a crash would; its service starts another."""

from swarm.faults.fault import Fault, Scene, Strike
from swarm.faults.victims import EDGES, VICTIMS, Victim, one_of, postgres_standby
from swarm.outcome import Limits

CI = ("redis primary", "postgres primary")
LIMITS = {
    "vote": Limits(stale_s=10, refused=20),  # those in flight on it
    # One that starts refuses votes until it has heard of the tasks, a second or two.
    "traefik": Limits(stale_s=10, refused_at_edge=100),
}


def killing(victim: Victim, *, edge: bool = False) -> Strike:
    """Return a strike that kills a container."""

    def strike(scene: Scene) -> None:
        container = victim(scene.cluster)
        if edge:
            scene.blame(container.node)
        scene.note(f"kill {container}")
        scene.cluster.kill(container)

    return strike


def kill_repmgrd(scene: Scene) -> None:
    """Kill repmgrd beside a standby, and leave the server running."""
    container = postgres_standby(scene.cluster)
    scene.note(f"kill repmgrd of {container}")
    container.signal("KILL", "repmgrd")


FAULTS = [
    *(
        Fault(
            f"{name} killed",
            killing(victim, edge=name in EDGES),
            LIMITS.get(name, Limits(stale_s=10)),
            ci=name in CI,
        )
        for name, victim in VICTIMS.items()
    ),
    Fault("docker-proxy killed", killing(one_of("docker-proxy")), Limits(stale_s=10)),
    Fault("repmgrd killed", kill_repmgrd, Limits(stale_s=10)),
]
