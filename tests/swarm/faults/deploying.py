"""`up` on the lab: another release, two managers at once, and a registry that goes. People vote meanwhile."""

import subprocess
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from deployment.configuration.layout import ROOT
from deployment.engine.images.images import COMPONENTS
from deployment.engine.machine import engine
from deployment.operations.runner import lock
from kit.checkout import relabelled
from kit.waiting import wait_until
from swarm.faults.fault import Fault, Scene
from swarm.lab import power
from swarm.lab.lab import REGISTRY, Node
from swarm.outcome import Limits

LIMITS = Limits(unavailable_s=10)
UP = ("up", "--registry", REGISTRY, "--yes")
# What tells one machine from another: its name, and the lock of its commands.
ANOTHER_MACHINE = (
    *("unshare", "--mount", "--uts", "sh", "-c"),
    f'own=$(mktemp) && mount --bind "$own" {lock.LOCK_FILE} && rm "$own" && hostname another && exec "$@"',
    "sh",
)
HELD_SECONDS = 60
SILENT: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}


def other_release(scene: Scene) -> None:
    """Let `up` bring another release, in which every image differs, and then this one again."""
    first = scene.cluster.lab.nodes[0]
    with altered({component.folder for component in COMPONENTS}) as other:
        scene.heal("up with this release", lambda: _up(first, ROOT))
        scene.note("up with another release")
        _up(first, other)


def two_managers(scene: Scene) -> None:
    """Let two managers deploy at once, from two machines: one is refused, and what it wants comes later."""
    first, second, *_ = scene.cluster.lab.nodes
    with altered({"vote"}) as one, altered({"result"}) as other:
        scene.heal("up with this release", lambda: _up(first, ROOT))
        scene.note("up on two managers")
        with power.deploying(first, *UP, checkout=one, **SILENT) as begun:
            wait_until(lambda: scene.cluster.status()["lock"], HELD_SECONDS, scene.cluster.describe)
            with power.deploying(second, *UP, checkout=other, through=ANOTHER_MACHINE, **SILENT) as refused:
                _, said = refused.communicate()
            _, told = begun.communicate()
    assert refused.returncode == 1, said
    assert "Nothing was done: " in said, said
    assert "has the lock, by `up`" in said, said
    assert begun.returncode == 0, told


def registry_gone(scene: Scene) -> None:
    """Stop the registry while `up` is at work: what no node can get is not deployed, and voting goes on.

    Every manager runs a docker-proxy, and only the first node has its new image. Going back fails, too, where
    Swarm gives a task to a node that never had the former image. The next `up` with the registry mends that.
    """
    cluster, first = scene.cluster, scene.cluster.lab.nodes[0]
    registry = power.registry(engine.require())
    before = cluster.status()["release"]
    with altered({"redis-sentinel/haproxy", "traefik/docker-proxy"}) as other:
        scene.heal("up with this release", lambda: _up(first, ROOT))
        scene.heal("registry started", registry.start)
        with power.deploying(first, *UP, checkout=other, **SILENT) as deploying:
            assert deploying.stderr
            for line in deploying.stderr:
                if "✓ Updating redis-proxy" in line:
                    scene.note("registry stopped")
                    registry.stop(timeout=0)
                    break
            said = deploying.stderr.read()
    went_back = f"The stack runs the former release {before['identity']} again." in said
    stuck = "Going back to the former release failed, too" in said
    assert (deploying.returncode, went_back, stuck) in {(1, True, False), (3, False, True)}, said
    assert cluster.status()["release"] == before


@contextmanager
def altered(folders: Collection[str]) -> Iterator[Path]:
    """Make a checkout like this one, with other images of these folders."""
    with TemporaryDirectory() as folder:
        yield relabelled(Path(folder), folders)


def _up(node: Node, checkout: Path) -> None:
    with power.deploying(node, *UP, "--quiet", checkout=checkout) as process:
        assert process.wait() == 0, "`up` failed, see above"


FAULTS = [
    Fault("a new release of every image by `up`, and back", other_release, LIMITS),
    Fault("two managers deploy at once, and back", two_managers, LIMITS),
    Fault("the registry gone in the middle of `up`", registry_gone, LIMITS),
]
