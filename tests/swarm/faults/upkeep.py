"""What keeps the votes for years, and who dies in the middle of it: backups, their store, and a restore."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from deployment.plan.cluster import strength
from kit.waiting import wait_until
from swarm.cluster import RECOVERY_SECONDS, Cluster
from swarm.containers import Container
from swarm.faults.deploying import UP
from swarm.faults.disk import Disk, while_stopped
from swarm.faults.fault import Fault, Scene, Strike
from swarm.faults.switchover import deploy
from swarm.faults.victims import Victim, one_of, postgres_primary, postgres_standby
from swarm.lab import power
from swarm.lab.lab import Node
from swarm.outcome import Limits

SERVICE = "backup"
STORE = ("env", "BACKUP_STORE=volume")
# pgBackRest says so once the primary has begun the backup; then it copies.
COPIES = b"backup start archive"
BEGUN_SECONDS, MADE_SECONDS, STORED_SECONDS = 60, 120, 300
AWAY_SECONDS, FULL_SECONDS = 3600, 120
# While votes of before are brought back nobody can vote.
PAUSED = Limits(unavailable_s=None, stale_s=None, refused=None)


def backed_up(scene: Scene) -> Container:
    """Let the stack have a store, and a backup in it; return the runner. It stays until the next `up`."""
    cluster = scene.cluster
    if cluster.picture().backups is None:
        with power.deploying(cluster.lab.nodes[0], *UP, "--quiet", through=STORE) as process:
            assert process.wait() == 0, "`up` with a store failed, see above"
    wait_until(lambda: _kept(cluster), MADE_SECONDS, cluster.describe)
    cluster.wait_healthy()
    return cluster.container(SERVICE)


def _kept(cluster: Cluster) -> bool:
    """Whether there is a backup, no other is being made, and no WAL waits for long."""
    found = cluster.picture().backups
    return bool(found and found.stop and not found.running and not found.problem and found.waiting in {0, 1})


def back_up(cluster: Cluster) -> str:
    """Make a backup, and return its label; it is listed, and whole."""
    node = cluster.container(SERVICE).node
    label = _said(node, "backup", "now", "--quiet").split()[1]
    listed = json.loads(_said(node, "backups", "--json"))["backups"]
    assert [one["damaged"] for one in listed if one["label"] == label] == [False], listed
    return label


def _said(node: Node, *verb: str) -> str:
    with power.deploying(node, *verb, stdout=subprocess.PIPE) as process:
        said, _ = process.communicate()
    assert process.returncode == 0, f"`{' '.join(verb)}` failed, see above"
    return str(said)


def killed_in_a_backup(victim: Victim) -> Strike:
    """Return a strike that kills somebody while a backup is made; the next one is good, as a drill says."""

    def strike(scene: Scene) -> None:
        cluster = scene.cluster
        node = backed_up(scene).node
        with _begun(scene, "backup", "--type", "full") as process:
            found = victim(cluster)
            scene.note(f"kill {found} during a backup")
            cluster.kill(found)
            _, said = process.communicate()
        scene.note(f"`backup` ended with {process.returncode}: {said.strip().splitlines()[-1:]}")
        assert process.returncode == 0 or "What was in the store is as it was." in said, said
        scene.ended()
        scene.wait_whole()
        back_up(cluster)
        deploy(scene, "restore", "--drill", on=node)

    return strike


@contextmanager
def _begun(scene: Scene, *backup: str) -> Iterator[subprocess.Popen[str]]:
    """Begin a backup, and wait until it copies."""
    runner = scene.cluster.container(SERVICE)
    before = _log(runner).count(COPIES)
    with power.deploying(runner.node, *backup, stderr=subprocess.PIPE) as process:
        wait_until(lambda: _log(runner).count(COPIES) > before, BEGUN_SECONDS, scene.cluster.describe)
        assert process.poll() is None, "the backup was over before anybody could be killed"
        yield process


def _log(container: Container) -> bytes:
    return bytes(container.node.client.api.logs(container.id))


def killed_in_a_restore(victim: Victim, part: str) -> Strike:
    """Return a strike that kills somebody in a part of a restore: run again, it ends well.

    It is to the moment of a backup after the last vote: what was acknowledged must all be there.
    """

    def strike(scene: Scene) -> None:
        cluster = scene.cluster
        node = backed_up(scene).node
        scene.note("maintenance on")
        deploy(scene, "maintenance", "on", on=node)
        scene.heal("maintenance off", lambda: deploy(scene, "maintenance", "off", on=node))
        cluster.drain()
        label = back_up(cluster)
        with TemporaryDirectory() as folder:
            words = ("restore", "--to", label, "--export", str(Path(folder) / "later"), "--yes")
            _interrupted(scene, victim, part, *words)
            wait_until(
                lambda: not strength.clusters_missing(cluster.picture()), RECOVERY_SECONDS, cluster.describe
            )
            deploy(scene, *words, on=node)

    return strike


def _interrupted(scene: Scene, victim: Victim, part: str, *words: str) -> None:
    """Begin a restore, and kill somebody when it has come to a part."""
    node = scene.cluster.container(SERVICE).node
    with power.deploying(node, *words, stderr=subprocess.PIPE) as process:
        assert process.stderr
        for line in process.stderr:
            if f"… {part}" in line:
                found = victim(scene.cluster)
                scene.note(f"kill {found}: {part}")
                scene.cluster.kill(found)
                break
        else:
            raise AssertionError(f"it never came to {part!r}")
        said = process.stderr.read()
    scene.note(f"`restore` ended with {process.returncode}: {said.strip().splitlines()[-2:]}")


def store_away(scene: Scene) -> None:
    """Take the runner away, and with it the store: WAL waits, `status` says so, and all is stored later."""
    cluster = scene.cluster
    backed_up(scene)
    last = _backups(cluster)["stop"]
    scene.heals.callback(lambda: cluster.scale([SERVICE], 1))
    scene.note("stop the runner of the backups")
    cluster.scale([SERVICE], 0)
    cluster.wait_stopped([SERVICE])
    scene.last(AWAY_SECONDS)
    waits(scene, "WAL has not been stored for", "the runner of the backups says nothing")
    scene.note("start it")
    cluster.scale([SERVICE], 1)
    scene.ended()
    scene.wait_whole()
    stored(scene, last)
    deploy(scene, "restore", "--drill", on=cluster.container(SERVICE).node)


def store_full(scene: Scene) -> None:
    """Fill the disk of the store, a small one of its own, and make room again; too little to drill."""
    cluster = scene.cluster
    disk = Disk(backed_up(scene).node, SERVICE)
    last = _backups(cluster)["stop"]
    scene.heal("give the former disk back", lambda: while_stopped(cluster, SERVICE, disk.unmount))
    while_stopped(cluster, SERVICE, disk.mount)
    cluster.wait_healthy()
    scene.heals.callback(disk.empty)
    scene.note(f"fill the disk of the store on {disk.node.name}")
    disk.fill()
    scene.last(FULL_SECONDS)
    waits(scene, "the disk of the backups has 0 MiB left")
    scene.note("make room")
    disk.empty()
    scene.ended()
    scene.wait_whole()
    back_up(cluster)
    stored(scene, last)


def waits(scene: Scene, *warnings: str) -> None:
    """See that WAL waits, and that `status` says what is wrong."""
    now = scene.cluster.status()
    said = "; ".join(now["warnings"])
    scene.note(f"{now['backups']['waiting']} files of WAL wait: {said}")
    assert now["backups"]["waiting"], now["backups"]
    assert [each for each in warnings if each not in said] == [], said


def stored(scene: Scene, last: str) -> None:
    """Wait until all WAL is stored, and there is a newer backup than the last of before."""
    cluster = scene.cluster
    wait_until(
        lambda: _kept(cluster) and _backups(cluster)["stop"] > last,
        STORED_SECONDS,
        lambda: str(_backups(cluster)),
    )
    scene.note("all WAL is stored, and there is a new backup")


def _backups(cluster: Cluster) -> dict[str, Any]:
    return dict(cluster.status()["backups"])


VICTIMS = {
    "postgres primary": postgres_primary,
    "postgres standby": postgres_standby,
    "backup runner": one_of(SERVICE),
}
PARTS = {
    "a copy being restored": "Restoring a copy",
    "the votes changing their place": "Bringing the votes of that moment into their place",
}
FAULTS = [
    *(
        Fault(f"{name} killed during a backup", killed_in_a_backup(victim), Limits(stale_s=15))
        for name, victim in VICTIMS.items()
    ),
    *(
        Fault(
            f"postgres primary killed during `restore --to`, {when}",
            killed_in_a_restore(postgres_primary, part),
            PAUSED,
        )
        for when, part in PARTS.items()
    ),
    Fault("the store of the backups full", store_full, Limits()),
    Fault("the store of the backups away for an hour", store_away, Limits()),
]
