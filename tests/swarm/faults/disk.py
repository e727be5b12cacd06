"""Volumes that are lost, and a disk that is full."""

from collections.abc import Callable

from kit.waiting import wait_until
from swarm.cluster import Cluster
from swarm.faults.fault import Fault, Scene, Strike
from swarm.faults.victims import (
    Victim,
    postgres_primary,
    postgres_standby,
    redis_primary,
    redis_replica,
)
from swarm.lab.lab import Node
from swarm.outcome import Limits

FAILOVER_SECONDS = 90
FULL_SECONDS = 40
MOVING_TRIES = 8
DISK_MEGABYTES = 700
# A node has no loop devices of its own; those of the machine's kernel are made known to it.
MOUNT = """
set -e
[ -e /dev/loop-control ] || mknod /dev/loop-control c 10 237
for n in $(seq 0 31); do [ -e /dev/loop$n ] || mknod /dev/loop$n b 7 $n; done
truncate -s {megabytes}M {image}
mkfs.ext4 -q -F {image}
mkdir -p {image}.d
mount -o loop {image} {image}.d
cp -a {data}/. {image}.d/
umount {image}.d
mount -o loop {image} {data}
"""
UNMOUNT = "umount {data}; rm -rf {image} {image}.d"
FILL = "dd if=/dev/zero of={data}/filler bs=1M || true; dd if=/dev/zero of={data}/rest bs=4k || true"
EMPTY = "rm -f {data}/filler {data}/rest"


def volume_lost(victim: Victim, status_key: str | None = None) -> Strike:
    """Return a strike that stops a data node and brings it back with an empty volume.

    With `status_key`, the cluster in which it is the primary, only after another one has become that.
    """

    def strike(scene: Scene) -> None:
        cluster, service = scene.cluster, victim(scene.cluster).service
        scene.heals.callback(lambda: cluster.scale([service], 1))
        scene.note(f"stop {service}")
        cluster.scale([service], 0)
        cluster.wait_stopped([service])
        if status_key:
            wait_until(
                lambda: cluster.picture().clusters[status_key].primary not in {None, service},
                FAILOVER_SECONDS,
                cluster.describe,
            )
        cluster.wipe(service)
        scene.note(f"start {service} with an empty volume")

    return strike


def full_disk(scene: Scene) -> None:
    """Fill the disk of the PostgreSQL primary, which is a small one of its own, and make room again."""
    cluster = scene.cluster
    # The first standby wins among equals; for another one the primary could be killed for ever.
    container = postgres_standby(cluster)
    disk = Disk(container.node, container.service)
    scene.heal("give the former disk back", lambda: while_stopped(cluster, disk.service, disk.unmount))
    while_stopped(cluster, disk.service, disk.mount)
    _make_primary(cluster, disk.service)
    scene.heals.callback(disk.empty)
    scene.note(f"fill the disk of {disk.service} on {disk.node.name}")
    disk.fill()
    scene.last(FULL_SECONDS)
    scene.note("make room")
    disk.empty()
    scene.ended()
    scene.wait_whole()


class Disk:
    """A small disk of its own under the volume of a service."""

    def __init__(self, node: Node, service: str) -> None:
        self.node = node
        self.service = service
        root = "/var/lib/docker"
        self._names = {"data": f"{root}/volumes/vote-app_{service}/_data", "image": f"{root}/{service}.img"}

    def mount(self) -> None:
        """Copy the volume onto a disk of its own and put that in its place."""
        self._run(MOUNT)

    def unmount(self) -> None:
        """Put the volume as it was before in its place again."""
        self._run(UNMOUNT)

    def fill(self) -> None:
        """Leave no byte."""
        self._run(FILL)

    def empty(self) -> None:
        """Make room again."""
        self._run(EMPTY)

    def _run(self, script: str) -> None:
        self.node.run("sh", "-c", script.format(megabytes=DISK_MEGABYTES, **self._names))


def while_stopped(cluster: Cluster, service: str, action: Callable[[], None]) -> None:
    """Do something to the volume of a service, and start it again, without waiting for that."""
    cluster.scale([service], 0)
    cluster.wait_stopped([service])
    action()
    cluster.scale([service], 1)


def _make_primary(cluster: Cluster, service: str) -> None:
    for _ in range(MOVING_TRIES):
        cluster.wait_healthy()
        primary = postgres_primary(cluster)
        if primary.service == service:
            return
        cluster.kill(primary)
    raise AssertionError(f"{service} did not become the primary")


FAULTS = [
    Fault("postgres standby's volume lost", volume_lost(postgres_standby), Limits(), ci=True),
    Fault("redis replica's volume lost", volume_lost(redis_replica), Limits()),
    Fault("former postgres primary returns empty", volume_lost(postgres_primary, "postgres"), Limits()),
    Fault(
        "former redis primary returns empty", volume_lost(redis_primary, "redis"), Limits(unavailable_s=10)
    ),
    Fault("full disk on the postgres primary", full_disk, Limits(stale_s=60)),
]
