"""All secrets changed; and a primary killed while its own password is: run again, the change ends well."""

import subprocess

from deployment.engine.secrets import versions
from deployment.plan.release import rotation
from deployment.plan.release.rotation import Stage
from kit.waiting import wait_until
from swarm import passwords
from swarm.containers import Container
from swarm.faults.fault import Fault, Scene, Strike
from swarm.faults.switchover import MEMBERS, PRIMARY, deploy
from swarm.lab import power
from swarm.outcome import Limits

# With which the nodes of a cluster know each other.
OWN = {"redis": "redis_replica_password", "postgres": "postgres_repmgr_password"}
STAGE_SECONDS = 600
# While a node is replaced, and the primary dies, one of three is left: nothing can be promised then.
LIMITS = Limits(unavailable_s=30, stale_s=60, refused=None)
# Each data node is replaced, and what asks them. The edges stay.
ALL = Limits(unavailable_s=10)


def all_secrets(scene: Scene) -> None:
    """Change all but those that are changed by name alone; no node takes its cluster's password of before."""
    before = {name: sent(PRIMARY[name](scene.cluster), key) for name, key in OWN.items()}
    scene.note("secrets rotate --all")
    deploy(scene, "secrets", "rotate", "--all")
    scene.ended()
    scene.wait_whole()
    assert not rotation.underway(versions.stages(scene.cluster.lab.manager))
    for name, key in OWN.items():
        after = sent(PRIMARY[name](scene.cluster), key)
        for node in (scene.cluster.container(member) for member in MEMBERS[name]):
            assert (taken(node, key, before[name]), taken(node, key, after)) == (False, True), str(node)


def killed_meanwhile(cluster: str) -> Strike:
    """Return a strike that kills a primary when the nodes begin to send the new password."""

    def strike(scene: Scene) -> None:
        key = OWN[cluster]
        before = sent(PRIMARY[cluster](scene.cluster), key)
        manager = scene.cluster.lab.commander
        with power.deploying(manager, "secrets", "rotate", key, stderr=subprocess.PIPE) as process:
            _wait_for(scene, key, process)
            victim = PRIMARY[cluster](scene.cluster)
            scene.note(f"kill {victim} while {key} is changed")
            scene.cluster.kill(victim)
            _, said = process.communicate()
        scene.note(f"`secrets rotate` ended with {process.returncode}: {said.strip().splitlines()[-2:]}")
        scene.ended()
        scene.wait_whole()
        if process.returncode:
            deploy(scene, "secrets", "rotate", key)
        assert key not in rotation.underway(versions.stages(scene.cluster.lab.manager))
        primary = PRIMARY[cluster](scene.cluster)
        after = sent(primary, key)
        assert (taken(primary, key, before), taken(primary, key, after)) == (False, True)

    return strike


def _wait_for(scene: Scene, key: str, rotating: subprocess.Popen[str]) -> None:
    """Wait until the new password is the one that is sent."""

    def there() -> bool:
        assert rotating.poll() is None, "it ended before anybody could be killed"
        return versions.stages(scene.cluster.lab.manager)[key] == Stage.SENT

    wait_until(there, STAGE_SECONDS, scene.cluster.describe)


def sent(node: Container, key: str) -> str:
    """Return the password that a node sends."""
    return node.run("cat", passwords.file(key))


def taken(node: Container, key: str, password: str) -> bool:
    """Whether a node takes a password."""
    return node.run(*passwords.question(key, password)).strip() == passwords.TAKEN


FAULTS = [
    Fault("`secrets rotate --all`", all_secrets, ALL),
    *(
        Fault(
            f"{cluster} primary killed during `secrets rotate` of its password",
            killed_meanwhile(cluster),
            LIMITS,
        )
        for cluster in OWN
    ),
]
